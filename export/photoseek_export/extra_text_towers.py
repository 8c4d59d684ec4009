"""Text towers of additional languages, each from a checkpoint that shares the image side of the main one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from photoseek.bundle.manifest import Layout
from photoseek.languages import LANGUAGES
from photoseek.system.atomic_write import write_json_atomic
from photoseek_export.attention_fusion import write_fused_text_graph
from photoseek_export.errors import ExportError, ImageSideDiffers
from photoseek_export.onnx_export import write_precisions, write_text_graph
from photoseek_export.parity import check_text_parity
from photoseek_export.quantize import quantize_text
from photoseek_train.model.checkpoint import LoadedCheckpoint, load_checkpoint, save_tokenizer
from photoseek_train.model.towers import weights_sha256


@dataclass(frozen=True)
class ExtraTextTower:
    """A checkpoint whose text tower encodes ``language``."""

    language: str
    path: Path
    loaded: LoadedCheckpoint


def load_extra_towers(
    main: LoadedCheckpoint, main_path: Path, languages: Sequence[str], texts: Mapping[str, str | Path]
) -> list[ExtraTextTower]:
    """Load the checkpoints of additional text towers, given by language.

    Raises:
        ExportError: A language is unknown, or the main tower encodes it.
        ImageSideDiffers: A checkpoint encodes photos differently from the main one.
        CheckpointError: A checkpoint cannot be read.
    """
    for language in texts:
        if language not in LANGUAGES:
            raise ExportError(f"text tower {language!r}: expected one of {', '.join(LANGUAGES)}")
        if language in languages:
            raise ExportError(f"text tower {language!r}: the main tower encodes it; set --language")
    return [_load(main, main_path, language, Path(path)) for language, path in texts.items()]


def _load(main: LoadedCheckpoint, main_path: Path, language: str, path: Path) -> ExtraTextTower:
    loaded = load_checkpoint(path, attention="eager")
    if differs := _first_difference(main, loaded):
        raise ImageSideDiffers(
            f"{path}: expected the {differs} of {main_path}, which encodes the photos for all languages; train "
            f"the text tower against that checkpoint: photoseek-train fit --from {main_path} --text-model BERT"
        )
    return ExtraTextTower(language, path, loaded)


def _first_difference(main: LoadedCheckpoint, other: LoadedCheckpoint) -> str:
    """Return the name of the first part of the image side that differs; empty if all parts are identical."""
    if main.config.preprocessing.id != other.config.preprocessing.id:
        return "preprocessing"
    pairs = {
        "image tower": (main.model.image_tower, other.model.image_tower),
        "image projector": (main.model.image_projector, other.model.image_projector),
    }
    return next((part for part, (a, b) in pairs.items() if weights_sha256(a) != weights_sha256(b)), "")


def write_text_tower(
    loaded: LoadedCheckpoint, language: str | None, folder: Path, precisions: Sequence[str]
) -> dict[str, float]:
    """Write the graphs and the tokenizer of a text tower.

    Args:
        loaded: The checkpoint.
        language: Language of an additional tower; None for the main tower.
        folder: The bundle's folder, which has an ``onnx`` folder.
        precisions: Among ``fp32``, ``fp16`` and ``int8``.

    Returns:
        The maximum absolute difference from PyTorch, by precision.

    Raises:
        ParityError: A difference is too large.
    """
    model = loaded.model

    def quantize(full: Path, small: Path) -> None:
        fused = full.with_suffix(".fused")
        write_fused_text_graph(model, fused)
        quantize_text(fused, small)
        fused.unlink()

    save_text_tokenizer(loaded, language, folder)
    return write_precisions(
        lambda precision: folder / Layout.text_model(precision, language),
        precisions,
        partial(write_text_graph, model),
        partial(check_text_parity, model),
        quantize,
    )


def save_text_tokenizer(loaded: LoadedCheckpoint, language: str | None, folder: Path) -> None:
    """Write a tower's tokenizer files, with the maximum length of its training captions."""
    config = folder / Layout.tokenizer_config(language)
    config.parent.mkdir(exist_ok=True)
    save_tokenizer(loaded.tokenizer, config.parent)
    values = json.loads(config.read_text("utf-8"))
    write_json_atomic(config, {**values, "model_max_length": loaded.config.model.max_tokens})
