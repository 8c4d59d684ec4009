"""A model in the layout of another program as a bundle; its manifest is created in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NoReturn

from photoseek.bundle.description import BundleDescription
from photoseek.bundle.files import BundleFiles, ChecksummedFiles, UnchangedFiles
from photoseek.bundle.installed_models import RECORD, ModelRecord, display_name
from photoseek.bundle.layouts import chinese_clip, immich, rclip, transformers
from photoseek.bundle.layouts.model import ExternalModel
from photoseek.bundle.manifest import FileRecord, Layout, Manifest
from photoseek.bundle.tokenization import Tokenization
from photoseek.errors import BundleDamaged, BundleIncompatible, BundleNotFound

# In order of detection: the first that does not return None wins, and an error ends the search.
_LAYOUTS = (transformers, immich, rclip, chinese_clip)
_PYTORCH = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_ONE_GRAPH = ("onnx/model.onnx", "model.onnx")
_UNKNOWN = "unknown"


def describe(folder: Path, record: ModelRecord | None = None) -> BundleDescription:
    """Describe a folder without a manifest of ours.

    Args:
        folder: The folder.
        record: The record of an installed model, whose files are verified when they are first used.

    Raises:
        BundleNotFound: No layout is detected.
        BundleDamaged: A file cannot be read.
        BundleIncompatible: It is incomplete, or requires an unsupported feature.
    """
    model = _detect(folder)
    files = _files(folder, model, record)
    return BundleDescription(
        layout=model.layout,
        manifest=_manifest(folder, model, files, record),
        files=files,
        text_graphs={precision: {None: model.texts[precision]} for precision in model.precisions},
        vision_graphs={precision: model.visions[precision] for precision in model.precisions},
        load_preprocessing=lambda: model.preprocessing,
        load_tokenization=lambda _: _load_tokenization(folder, model, files),
        compute_fingerprint=partial(_fingerprint, model, files),
        compute_dim=partial(_measured_dim, folder, model, files),
        fingerprint_parts={
            "dim": model.dim,
            "preprocessing": asdict(model.preprocessing),
            "text_input": model.text_input.fingerprint_parts,
        },
    )


def _files(folder: Path, model: ExternalModel, record: ModelRecord | None) -> BundleFiles:
    if record is None:
        return UnchangedFiles(folder, model.files)
    if unknown := next((name for name in model.files if name not in record.files), None):
        raise BundleDamaged(f"{folder / unknown}: missing from {RECORD}; install the model again")
    remedy = f"install the model again with: photoseek models pull {record.reference}"
    files = ChecksummedFiles(folder, record.files, remedy)
    files.check_sizes()
    return files


def _detect(folder: Path) -> ExternalModel:
    layouts: list[Callable[[Path], ExternalModel | None]] = [layout.describe for layout in _LAYOUTS]
    try:
        found = next(filter(None, (describe(folder) for describe in layouts)), None)
        return found or _raise_not_a_bundle(folder)
    except (OSError, ValueError) as error:  # a folder without permission, an invalid name
        what = getattr(error, "strerror", None) or error
        raise BundleNotFound(f"no bundle at {folder}: expected a folder with files that can be read: {what}") from error


def _raise_not_a_bundle(folder: Path) -> NoReturn:
    """Raise an error that says what a folder without a known layout is, and how to convert it."""
    if (folder / Layout.CONFIG).is_file():
        if any((folder / name).is_file() for name in _PYTORCH):
            raise BundleIncompatible(
                f"{folder}: expected ONNX graphs, found PyTorch weights; convert them with: "
                f"photoseek-export --from-clip {folder} --out BUNDLE"
            )
        if one := next((name for name in _ONE_GRAPH if (folder / name).is_file()), None):
            raise BundleIncompatible(
                f"{folder / one}: both towers in one graph, so encoding a text would need a photo; expected "
                f"{transformers.LAYOUT_HINT}"
            )
    raise BundleNotFound(
        f"no bundle at {folder}: expected a folder with {Layout.MANIFEST}, or the files of another program: "
        f"{'; '.join(layout.LAYOUT_HINT for layout in _LAYOUTS)}; "
        "create one with photoseek-export, or use the bundle that ships with photoseek: demo"
    )


def _manifest(folder: Path, model: ExternalModel, files: BundleFiles, record: ModelRecord | None) -> Manifest:
    records = record.files if record else {name: FileRecord(size, "") for name, size in files.sizes.items()}
    return Manifest(
        name=record.name if record else display_name(folder),
        dim=model.dim or 0,
        pooling=_UNKNOWN,
        languages=list((record and record.languages) or model.languages),
        preprocessing=model.preprocessing.id,
        weights=_UNKNOWN,
        files=dict(records),
        precisions={each: dict(record.precisions.get(each, {}) if record else {}) for each in model.precisions},
        license=record.license if record else _UNKNOWN,
        padding=model.text_input.padding,
    )


def _fingerprint(model: ExternalModel, files: BundleFiles) -> str:
    """Return a SHA-256 over what vectors depend on: weights of the most exact precision, preprocessing, tokenizer.

    The folder's path and name are not included.
    """
    main = model.precisions[0]
    graphs = (model.texts[main], model.visions[main])
    parts = {
        "weights": [files.sha256(name) for graph in graphs for name in graph.files],
        "graphs": [[dict(graph.inputs), graph.output] for graph in graphs],
        "preprocessing": model.preprocessing.id,
        "tokenizer": [files.sha256(name) for name in model.text_input.files],
        "text_input": model.text_input.fingerprint_parts,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _load_tokenization(folder: Path, model: ExternalModel, files: BundleFiles) -> Tokenization:
    for name in model.text_input.files:
        files.verified_path(name)
    return model.text_input.load(folder)


def _measured_dim(folder: Path, model: ExternalModel, files: BundleFiles) -> int:
    """Return the length of what the text tower returns, if no file records it."""
    from photoseek.bundle.onnx_session import OnnxSession  # onnxruntime takes a tenth of a second to import

    tower = model.texts[model.precisions[0]]
    path, *_ = [files.verified_path(name) for name in tower.files]
    graph = OnnxSession(path, inputs=tower.inputs, output=tower.output)
    tokenization = _load_tokenization(folder, model, files)
    return int(graph.run(tokenization.feeds(tokenization.ids(["a"]))).shape[-1])
