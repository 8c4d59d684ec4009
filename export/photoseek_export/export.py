"""A checkpoint -> a bundle, or nothing."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from photoseek.bundle import Bundle
from photoseek.evaluation import evaluate
from photoseek.files import replace_json
from photoseek.manifest import FileRecord, Layout, Manifest
from photoseek.preprocess import Preprocessing
from photoseek_export.card import model_card
from photoseek_export.errors import BundleExists, ExportError
from photoseek_export.graphs import write_text_graph, write_vision_graph
from photoseek_export.half import store_half
from photoseek_export.parity import Parity, check_parity
from photoseek_train.checkpoint import Loaded, load_checkpoint, read_metrics, weights_hash
from photoseek_train.saving import save_tokenizer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """Captioned images that each precision's retrieval is measured on; as for :func:`photoseek.evaluation.evaluate`."""

    images: Path
    captions: Path
    split: Path | None = None


def export_checkpoint(
    checkpoint: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("fp32",),
    languages: Sequence[str] = ("en",),
    licence: str = "MIT",
    measured: Measured | None = None,
    overwrite: bool = False,
) -> Bundle:
    """Turn both towers with their projectors into ONNX, verify them, and write a bundle.

    Args:
        checkpoint: A folder that ``photoseek-train fit`` wrote.
        out: The bundle's folder; it appears when all is verified, and not before.
        name: What people will call it. None: the folder's name.
        precisions: ``fp32``, ``fp16`` (weights stored in half the bytes), or both.
        languages: ISO 639-1 codes of the captions' languages.
        licence: SPDX identifier of the licence of the weights.
        measured: What to measure each precision on, through the runtime. None: fp32 has the metrics that training
            measured, the others none.
        overwrite: Whether a bundle that is there already is replaced.

    Raises:
        ParityError: A graph's vectors are not PyTorch's; nothing is left behind.
        BundleExists: The folder exists, and ``overwrite`` is false or it is no bundle.
        CheckpointError: The checkpoint cannot be read.
    """
    out = Path(out).expanduser().absolute()
    _expect_free(out, overwrite)
    loaded = load_checkpoint(checkpoint, attention="eager")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        partial = Path(work, "new")
        parities = _write_graphs(loaded, partial, precisions)
        _write_companions(loaded, partial)
        metrics = _metrics_of(checkpoint)
        facts: dict[str, dict[str, Any]] = {p: {"parity": parities[p].to_json()} for p in precisions}
        if "fp32" in facts and "dev" in metrics:
            facts["fp32"]["metrics"] = metrics["dev"]
        manifest = Manifest(
            name=name or out.name,
            dim=loaded.model.dim,
            pooling=loaded.config.model.pooling,
            languages=list(languages),
            preprocessing=loaded.config.preprocessing.id,
            weights=weights_hash(checkpoint),
            files=_records(partial),
            precisions=facts,
            training=_training(loaded, metrics),
            licence=licence,
        )
        _finish(manifest, loaded, partial, measured)
        _move_into_place(partial, out)
    return Bundle.load(out)


def _expect_free(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not (out / Layout.MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise BundleExists(f"{out}: exists and is no bundle; name another --out")
    if (out / Layout.MANIFEST).is_file() and not overwrite:
        raise BundleExists(f"{out}: there is a bundle already; replace it with --overwrite, or name another --out")


def _write_graphs(loaded: Loaded, folder: Path, precisions: Sequence[str]) -> dict[str, Parity]:
    """Write each precision's graphs and compare them with PyTorch."""
    unknown = [p for p in precisions if p not in ("fp32", "fp16")]
    if unknown or not precisions:
        raise ExportError(f"expected precisions among fp32 and fp16, found {', '.join(unknown) or 'none'}")
    (folder / "onnx").mkdir(parents=True)
    size = (loaded.config.preprocessing.height, loaded.config.preprocessing.width)
    full = (folder / Layout.text_model("fp32"), folder / Layout.vision_model("fp32"))
    write_text_graph(loaded.model, full[0])
    write_vision_graph(loaded.model, size, full[1])
    parities = {"fp32": check_parity(loaded.model, size, *full)}
    if "fp16" in precisions:
        half = (folder / Layout.text_model("fp16"), folder / Layout.vision_model("fp16"))
        for source, target in zip(full, half, strict=True):
            store_half(source, target)
        parities["fp16"] = check_parity(loaded.model, size, *half, precision="fp16")
    if "fp32" not in precisions:
        for path in full:
            path.unlink()
    _log.info("parity: %s", parities)
    return parities


def _write_companions(loaded: Loaded, folder: Path) -> None:
    """Configuration, preprocessing and tokenizer, under the names that other loaders look for."""
    config = loaded.config
    save_tokenizer(loaded.tokenizer, folder)
    tokenizer = json.loads((folder / Layout.TOKENIZER_CONFIG).read_text("utf-8"))
    replace_json(folder / Layout.TOKENIZER_CONFIG, {**tokenizer, "model_max_length": config.model.max_tokens})
    replace_json(folder / Layout.PREPROCESSOR, config.preprocessing.to_json())
    replace_json(
        folder / Layout.CONFIG,
        {
            "model_type": "photoseek",
            "projection_dim": loaded.model.dim,
            "logit_scale": round(float(loaded.model.scale.detach()), 4),
            "text_config": config.model.text_architecture,
            "vision_config": {
                "model_type": config.model.image_model,
                "hidden_size": loaded.model.image_tower.features,
            },
        },
    )


def _finish(manifest: Manifest, loaded: Loaded, folder: Path, measured: Measured | None) -> None:
    """Measure each precision through the runtime, then write the card and the final manifest."""
    manifest.write(folder)
    if measured is not None:
        bundle = Bundle.load(folder)
        for precision, facts in manifest.precisions.items():
            found = evaluate(bundle, measured.images, measured.captions, measured.split, precision=precision)
            facts["metrics"] = found.metrics.to_json()
    architecture = loaded.config.model.text_architecture
    text = f"{architecture['num_hidden_layers']} layers of {architecture['hidden_size']}"
    text = f"BERT, {text}, began as: {loaded.config.model.text_model}"
    image = f"{loaded.config.model.image_model} of torchvision, began as: {loaded.config.model.image_weights}"
    card = model_card(manifest, text, image, _describe(loaded.config.preprocessing))
    (folder / Layout.CARD).write_text(card, "utf-8")
    replace(manifest, files=_records(folder)).write(folder)


def _describe(preprocessing: Preprocessing) -> str:
    size = f"{preprocessing.height} x {preprocessing.width} pixels"
    if preprocessing.shortest_edge is None:
        return f"{size}, the whole photo squeezed"
    return f"{size}, the middle of the photo scaled to {preprocessing.shortest_edge}"


def _training(loaded: Loaded, metrics: dict[str, Any]) -> dict[str, Any]:
    config = loaded.config
    return {
        "data": asdict(config.data),
        "settings": asdict(config.optim),
        "augmentation": asdict(config.augment),
        "best_epoch": metrics.get("epoch"),
    }


def _records(folder: Path) -> dict[str, FileRecord]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != Layout.MANIFEST)
    return {path.relative_to(folder).as_posix(): FileRecord.of(path) for path in paths}


def _metrics_of(checkpoint: str | Path) -> dict[str, Any]:
    """The checkpoint's metrics, if they were measured with the weights that lie there."""
    metrics = read_metrics(checkpoint)
    return metrics if metrics.get("weights_sha256") == weights_hash(checkpoint) else {}


def _move_into_place(new: Path, out: Path) -> None:
    """Rename; a bundle that was there is set aside first, and comes back should that fail."""
    aside = new.with_name("old")
    if out.exists():
        out.rename(aside)
    try:
        new.rename(out)
    except OSError:
        if aside.exists():
            aside.rename(out)
        raise
