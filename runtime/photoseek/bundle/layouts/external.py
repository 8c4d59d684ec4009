"""A model in the layout of another program as a bundle; its manifest is made in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from photoseek.bundle.description import BundleDescription, ExternalModel
from photoseek.bundle.files import UnchangedFiles
from photoseek.bundle.layouts.detect import detect_layout
from photoseek.bundle.layouts.text_cleaning import CLEANING
from photoseek.bundle.manifest import FileRecord, Manifest
from photoseek.bundle.tokenization import Tokenization, without_limits
from photoseek.errors import BundleDamaged

NO_CHECKSUM = "unknown"


def describe(folder: Path) -> BundleDescription:
    """Describe a folder without a manifest of ours.

    Raises:
        BundleNotFound: No layout is recognized.
        BundleDamaged: A file cannot be read.
        BundleIncompatible: It needs something that is not supported.
    """
    model = detect_layout(folder)
    files = UnchangedFiles(folder, model.files)
    return BundleDescription(
        layout=model.layout,
        manifest=_manifest(folder, model, files),
        files=files,
        precisions=model.precisions,
        texts=lambda precision, _: model.texts[precision],
        visions=lambda precision: model.visions[precision],
        weights=lambda graph: model.outside.get(graph, ()),
        load_preprocessing=lambda: model.preprocessing,
        load_tokenization=lambda _: _load_tokenization(folder, model, files),
        compute_fingerprint=partial(_fingerprint, model, files),
        compute_dim=partial(_measured_dim, folder, model, files),
        fingerprint_parts={
            "dim": model.dim,
            "preprocessing": asdict(model.preprocessing),
            "reading": model.reading.fingerprint_parts,
        },
    )


def _manifest(folder: Path, model: ExternalModel, files: UnchangedFiles) -> Manifest:
    return Manifest(
        name=folder.name,
        dim=model.dim or 0,
        pooling=NO_CHECKSUM,
        languages=list(model.languages),
        preprocessing=model.preprocessing.id,
        weights=NO_CHECKSUM,
        files={name: FileRecord(size, "") for name, size in files.sizes.items()},
        precisions={precision: {} for precision in model.precisions},
        license=NO_CHECKSUM,
    )


def _fingerprint(model: ExternalModel, files: UnchangedFiles) -> str:
    """SHA-256 over what vectors depend on: weights of the most exact precision, preprocessing, tokenizer.

    The folder's path and name are not included.
    """
    main = model.precisions[0]
    graphs = (model.texts[main], model.visions[main])
    parts = {
        "weights": [files.sha256(name) for name in model.graph_files(main)],
        "graphs": [[dict(graph.inputs), graph.output] for graph in graphs],
        "preprocessing": model.preprocessing.id,
        "tokenizer": [files.sha256(name) for name in model.reading.files],
        "reading": model.reading.fingerprint_parts,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _load_tokenization(folder: Path, model: ExternalModel, files: UnchangedFiles) -> Tokenization:
    reading = model.reading
    for name in reading.files:
        files.verified(name)
    tokenizer = without_limits(reading.build(folder, reading.files, **reading.options), reading.limit)
    pad = reading.pad if isinstance(reading.pad, int) else tokenizer.token_to_id(reading.pad)
    if pad is None:
        path = folder / reading.files[0]
        raise BundleDamaged(f"{path}: expected the token {reading.pad!r:.80}, found none; copy the folder again")
    return Tokenization(tokenizer, pad, reading.length, reading.masked, reading.side, CLEANING[reading.clean])


def _measured_dim(folder: Path, model: ExternalModel, files: UnchangedFiles) -> int:
    """The length of what the text tower returns, where no file records it."""
    from photoseek.bundle.onnx_session import OnnxSession  # onnxruntime takes a tenth of a second to import

    tower = model.texts[model.precisions[0]]
    for name in (tower.file, *model.outside.get(tower.file, ())):
        files.verified(name)
    graph = OnnxSession(folder / tower.file, inputs=tower.inputs, output=tower.output)
    tokenization = _load_tokenization(folder, model, files)
    return int(graph.run(tokenization.feeds(tokenization.ids(["a"]))).shape[-1])
