"""int8 graphs for a bundle that is ONNX already, with onnx and onnxruntime only: this module needs no PyTorch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.description import GraphSpec
from photoseek.bundle.installed_models import RECORD, ModelRecord
from photoseek.bundle.layouts import photoseek, transformers
from photoseek.bundle.manifest import FileRecord, Layout, Manifest
from photoseek.system.atomic_write import fsync_file
from photoseek_export.errors import BundleExists, ExportError
from photoseek_export.quality_gate import (
    MAX_RECALL_DROP,
    MIN_COSINE,
    EvaluationImages,
    measure_recall,
    measure_similarity,
)
from photoseek_export.quantize import is_convolutional, quantize_dynamic_int8, store_weights_fp16

_LAYOUTS = (photoseek.NAME, transformers.NAME)


def quantize_bundle(
    source: str | Path,
    *,
    evaluation: EvaluationImages | None = None,
    max_loss: float = MAX_RECALL_DROP,
    min_cosine: float = MIN_COSINE,
) -> Mapping[str, Any]:
    """Add int8 graphs of all towers to a bundle's folder; on errors, leave the folder unchanged.

    Args:
        source: Folder of a bundle, or of a model in the layout of transformers.js, with fp32 graphs. Its int8 graphs
            are written next to them, as ``onnx/text_model_int8.onnx`` and ``onnx/vision_model_int8.onnx``, and the
            record of a model that was installed by name lists them. In the layout of transformers.js, an image tower of
            convolutions gets weights in fp16 instead: MobileCLIP's are separated by GELU, and not faster in int8.
        evaluation: Captioned images on which int8 and fp32 are compared. None: compare their vectors of sample texts
            and photos instead.
        max_loss: With ``evaluation``: maximum loss of mean recall, in percentage points.
        min_cosine: Without ``evaluation``: minimum mean cosine with fp32, see ``measure_similarity``.

    Returns:
        The facts of int8, as in ``Manifest.precisions``: ``metrics`` and ``confidence``, or ``similarity``. The
        manifest of a bundle and the record of an installed model contain them.

    Raises:
        RecallDropTooHigh: int8 loses more than ``max_loss``.
        SimilarityTooLow: The mean cosine is below ``min_cosine``.
        BundleExists: The bundle has int8 graphs.
        ExportError: The layout is another one, there are no fp32 graphs, or the image tower of a bundle consists of
            convolutions, which only ``export_checkpoint`` converts.
        BundleError: The bundle cannot be read.
    """
    _remove_unrecorded(Path(source))
    bundle = Bundle.load(source)
    _check(bundle)
    vision = bundle.vision_graph("fp32")
    graphs = [*bundle.description.text_graphs["fp32"].values(), vision]
    quantized_photos = bundle.layout == photoseek.NAME or not is_convolutional(bundle.graph_path(vision))
    with tempfile.TemporaryDirectory(prefix=f".{bundle.path.name}-", dir=bundle.path.parent) as work:
        folder = Path(work, bundle.path.name)
        shutil.copytree(bundle.path, folder, copy_function=partial(_link, copied=_external_data(bundle, graphs)))
        files = [_quantize(bundle, graph, folder, graph is not vision or quantized_photos) for graph in graphs]
        manifest = _with_int8(bundle.manifest, folder, files, quantized_photos)
        _list_files(manifest, files, folder)
        quantized = Bundle.load(folder)
        if evaluation is None:
            manifest.precisions["int8"]["similarity"] = measure_similarity(quantized, min_cosine)
        else:
            measure_recall(manifest, quantized, evaluation, max_loss)
        for file in files:
            fsync_file(folder / file)
            (folder / file).replace(bundle.path / file)
        _list_files(manifest, files, bundle.path)
    return manifest.precisions["int8"]


def _remove_unrecorded(folder: Path) -> None:
    """Remove int8 graphs of an interrupted run from an installed model, which opens only with recorded files."""
    if (folder / RECORD).is_file():
        recorded = ModelRecord.read(folder).files
        for file in list(folder.glob(f"onnx/*{Layout.SUFFIX['int8']}.onnx")):
            if file.relative_to(folder).as_posix() not in recorded:
                file.unlink()


def _list_files(manifest: Manifest, files: list[str], folder: Path) -> None:
    """Add new files and precisions to the manifest of a bundle and the record of an installed model, if they exist.

    Both are replaced, also where they are links.
    """
    if (folder / Layout.MANIFEST).is_file():
        manifest.write(folder)
        files = [*files, Layout.MANIFEST]
    if (folder / RECORD).is_file():
        record, added = ModelRecord.read(folder), {file: FileRecord.of(folder / file) for file in files}
        replace(record, files={**record.files, **added}, precisions=manifest.precisions).write(folder)


def _check(bundle: Bundle) -> None:
    if bundle.layout not in _LAYOUTS:
        raise ExportError(
            f"{bundle.path}: expected a bundle of one of the layouts {', '.join(_LAYOUTS)}, found {bundle.layout}, "
            "whose file names have no precision"
        )
    if "fp32" not in bundle.precisions:
        raise ExportError(
            f"{bundle.path}: expected fp32 graphs to convert to int8, found {', '.join(bundle.precisions)}; "
            "add the fp32 graphs first"
        )
    if "int8" in bundle.precisions:
        raise BundleExists(f"{bundle.path}: expected a bundle without int8, found its graphs; use them, or remove them")


def _external_data(bundle: Bundle, graphs: Iterable[GraphSpec]) -> set[Path]:
    """Return the graphs with external weights and their files, which onnxruntime does not read through links."""
    return {bundle.path / file for graph in graphs if graph.external_data for file in graph.files}


def _link(source: str, target: str, copied: Collection[Path]) -> None:
    """Link a file symbolically; copy it if it is one of ``copied``, or where links are not supported.

    A hard link would change the file's times, by which processes detect that an open bundle has changed.
    """
    if Path(source) not in copied:
        with suppress(OSError):
            Path(target).symlink_to(source)
            return
    shutil.copyfile(source, target)


def _quantize(bundle: Bundle, graph: GraphSpec, folder: Path, int8: bool) -> str:
    """Write the int8 or fp16 version of a graph, after verifying it, into a copy of the bundle; return its path."""
    target = f"{graph.file.removesuffix('.onnx')}{Layout.SUFFIX['int8']}.onnx"
    (folder / target).unlink(missing_ok=True)  # a link to what an interrupted run left
    write = quantize_dynamic_int8 if int8 else store_weights_fp16
    write(bundle.graph_path(graph), folder / target)
    return target


def _with_int8(manifest: Manifest, folder: Path, files: list[str], quantized_photos: bool) -> Manifest:
    records = {**manifest.files, **{file: FileRecord.of(folder / file) for file in files}}
    facts = {"photo_activations": "dynamic"} if quantized_photos else {}
    precisions: dict[str, dict[str, Any]] = {**(manifest.precisions or {"fp32": {}}), "int8": facts}
    towers = {
        code: replace(tower, precisions={**tower.precisions, "int8": {}})
        for code, tower in manifest.text_towers.items()
    }
    return replace(manifest, files=records, precisions=precisions, text_towers=towers)
