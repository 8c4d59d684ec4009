"""Export of a checkpoint as a bundle."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import Layout, Manifest, TextTowerRecord
from photoseek.captions import read_caption_files
from photoseek.system.atomic_write import write_json_atomic
from photoseek_export.bundle_folder import check_output_folder, describe_input, file_records, publish
from photoseek_export.errors import ExportError
from photoseek_export.extra_text_towers import ExtraTextTower, load_extra_towers, write_text_tower
from photoseek_export.model_card import model_card
from photoseek_export.onnx_export import write_precisions, write_vision_graph
from photoseek_export.parity import check_vision_parity, round_significant
from photoseek_export.quality_gate import MAX_RECALL_DROP, EvaluationImages, caption_files, measure_recall
from photoseek_export.quantize import calibration_images, quantize_vision
from photoseek_train.model.checkpoint import LoadedCheckpoint, load_checkpoint, read_metrics, weights_hash

_log = logging.getLogger(__name__)

Pixels = npt.NDArray[np.float32]


def export_checkpoint(
    checkpoint: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("fp32",),
    languages: Sequence[str] = ("en",),
    texts: Mapping[str, str | Path] | None = None,
    license: str = "MIT",
    evaluation: EvaluationImages | None = None,
    calibration: str | Path | None = None,
    max_loss: float = MAX_RECALL_DROP,
    overwrite: bool = False,
) -> Bundle:
    """Export both towers with their projectors to ONNX, verify them, and write a bundle.

    Args:
        checkpoint: Folder that ``photoseek-train fit`` wrote.
        out: Folder of the bundle; created only after verification.
        name: Name of the bundle. None: the folder's name.
        precisions: Among ``fp32``, ``fp16`` (weights stored in half precision) and ``int8`` (quantized), which requires
            ``evaluation`` and another precision.
        languages: ISO 639-1 codes of the languages of the checkpoint's captions.
        texts: Checkpoints of additional text towers by language, trained against the same image side.
        license: SPDX identifier of the license of the weights.
        evaluation: Images on which to evaluate each precision with the runtime. None: fp32 gets the metrics of
            training, the others none.
        calibration: Folder of photos that calibrate the activation ranges of int8. None: the images of ``evaluation``
            that are not evaluated.
        max_loss: Maximum loss of mean recall of int8, in percentage points, against the most exact precision.
        overwrite: Whether to replace an existing bundle.

    Returns:
        The bundle.

    Raises:
        ParityError: The output of a graph differs from PyTorch's; nothing is written.
        RecallDropTooHigh: int8 loses more than ``max_loss``; nothing is written.
        ImageSideDiffers: An additional text tower was trained against another image side.
        BundleExists: The folder exists, and ``overwrite`` is false or it is not a bundle.
        CheckpointError: The checkpoint cannot be read.
    """
    out = Path(out).expanduser().absolute()
    check_output_folder(out, overwrite)
    _check_precisions(precisions, evaluation)
    loaded = load_checkpoint(checkpoint, attention="eager")
    extra = load_extra_towers(loaded, Path(checkpoint), languages, texts or {})
    if evaluation is not None:  # fail early
        caption_files(evaluation, languages, texts or {}, precisions)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        partial = Path(work, "new")
        pictures = _calibration(loaded, calibration, evaluation) if evaluation and "int8" in precisions else None
        parities = _write_graphs(loaded, partial, precisions, pictures)
        _write_companions(loaded, partial, extra)
        metrics = _metrics_of(checkpoint)
        towers = {text.language: _write_extra_text_tower(text, partial, precisions) for text in extra}
        manifest = Manifest(
            name=name or out.name,
            dim=loaded.model.dim,
            pooling=loaded.config.model.pooling,
            languages=list(languages),
            preprocessing=loaded.config.preprocessing.id,
            weights=weights_hash(checkpoint),
            files=file_records(partial),
            precisions=_manifest_facts(parities, metrics),
            training=_training(loaded, metrics),
            license=license,
            text_towers=towers,
        )
        _write_manifest(manifest, loaded, extra, partial, evaluation, max_loss)
        publish(partial, out)
    return Bundle.load(out)


def _check_precisions(precisions: Sequence[str], evaluation: EvaluationImages | None) -> None:
    unknown = [precision for precision in precisions if precision not in Layout.PRECISIONS]
    if unknown or not precisions:
        raise ExportError(
            f"expected precisions among {', '.join(Layout.PRECISIONS)}, found {', '.join(unknown) or 'none'}"
        )
    if "int8" in precisions and (evaluation is None or len(set(precisions)) == 1):
        raise ExportError(
            "int8 requires an evaluation against fp32 or fp16: export one of them too, and "
            "pass captioned images (--images DIR --captions FILE)"
        )


def _calibration(loaded: LoadedCheckpoint, folder: str | Path | None, evaluation: EvaluationImages) -> Pixels:
    without = read_caption_files([evaluation.captions, *evaluation.extra_captions]).names(evaluation.split)
    return calibration_images(Path(folder or evaluation.images), loaded.config.preprocessing, without)


def _write_graphs(
    loaded: LoadedCheckpoint, folder: Path, precisions: Sequence[str], pictures: Pixels | None
) -> dict[str, dict[str, float]]:
    """Write the graphs of each precision; return their parity by precision and tower."""
    (folder / "onnx").mkdir(parents=True)
    texts = write_text_tower(loaded, None, folder, precisions)
    visions = _write_vision_tower(loaded, folder, precisions, pictures)
    return {precision: {"text": texts[precision], "vision": visions[precision]} for precision in precisions}


def _write_vision_tower(
    loaded: LoadedCheckpoint, folder: Path, precisions: Sequence[str], pictures: Pixels | None
) -> dict[str, float]:
    model, size = loaded.model, (loaded.config.preprocessing.height, loaded.config.preprocessing.width)
    return write_precisions(
        lambda precision: folder / Layout.vision_model(precision),
        precisions,
        partial(write_vision_graph, model, lambda inputs: model.embed_image(**inputs), size),
        partial(check_vision_parity, model, size),
        None if pictures is None else partial(quantize_vision, pictures=pictures),
    )


def _write_extra_text_tower(text: ExtraTextTower, folder: Path, precisions: Sequence[str]) -> TextTowerRecord:
    parities = write_text_tower(text.loaded, text.language, folder, precisions)
    metrics = _metrics_of(text.path)
    return TextTowerRecord(
        pooling=text.loaded.config.model.pooling,
        weights=weights_hash(text.path),
        precisions=_manifest_facts({precision: {"text": parity} for precision, parity in parities.items()}, metrics),
        training=_training(text.loaded, metrics),
    )


def _manifest_facts(
    parities: Mapping[str, Mapping[str, float]], metrics: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the manifest's entry of each precision: parity and, for fp32, the metrics of training."""
    _log.info("parity: %s", parities)
    facts: dict[str, dict[str, Any]] = {
        precision: {"parity": {tower: round_significant(value) for tower, value in found.items()}}
        for precision, found in parities.items()
    }
    if "fp32" in facts and "dev" in metrics:
        facts["fp32"]["metrics"] = metrics["dev"]
    return facts


def _write_companions(loaded: LoadedCheckpoint, folder: Path, extra: Sequence[ExtraTextTower]) -> None:
    """Write configuration and preprocessing under the file names that other loaders expect."""
    config = loaded.config
    write_json_atomic(folder / Layout.PREPROCESSOR, config.preprocessing.to_json())
    values = {
        "model_type": "photoseek",
        "projection_dim": loaded.model.dim,
        "logit_scale": round(float(loaded.model.inverse_temperature.detach()), 4),
        "text_config": config.model.text_architecture,
        "vision_config": {
            "model_type": config.model.image_model,
            "hidden_size": loaded.model.image_tower.features,
        },
    }
    if extra:
        values["text_configs"] = {text.language: text.loaded.config.model.text_architecture for text in extra}
    write_json_atomic(folder / Layout.CONFIG, values)


def _write_manifest(
    manifest: Manifest,
    loaded: LoadedCheckpoint,
    extra: Sequence[ExtraTextTower],
    folder: Path,
    evaluation: EvaluationImages | None,
    max_loss: float,
) -> None:
    """Evaluate each precision with the runtime, then write the card and the final manifest."""
    manifest.write(folder)
    if evaluation is not None:
        measure_recall(manifest, Bundle.load(folder), evaluation, max_loss)
    texts = {text.language: describe_text_tower(text.loaded) for text in extra}
    image = f"{loaded.config.model.image_model} of torchvision, initialized from: {loaded.config.model.image_weights}"
    card = model_card(manifest, describe_text_tower(loaded), image, describe_input(loaded.config.preprocessing), texts)
    (folder / Layout.CARD).write_text(card, "utf-8")
    replace(manifest, files=file_records(folder)).write(folder)


def describe_text_tower(loaded: LoadedCheckpoint) -> str:
    """Return a short description of a text tower."""
    model = loaded.config.model
    layers, hidden = model.text_architecture["num_hidden_layers"], model.text_architecture["hidden_size"]
    return f"BERT, {layers} layers of {hidden}, initialized from: {model.text_model}, pooling: {model.pooling}"


def _training(loaded: LoadedCheckpoint, metrics: dict[str, Any]) -> dict[str, Any]:
    config = loaded.config
    return {
        "data": asdict(config.data),
        "settings": asdict(config.optim),
        "augmentation": asdict(config.augment),
        "best_epoch": metrics.get("epoch"),
    }


def _metrics_of(checkpoint: str | Path) -> dict[str, Any]:
    """Return the checkpoint's metrics, if they belong to its current weights."""
    metrics = read_metrics(checkpoint)
    return metrics if metrics.get("weights_sha256") == weights_hash(checkpoint) else {}
