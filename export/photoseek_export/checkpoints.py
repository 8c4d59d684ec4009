"""Checkpoints as sources of text towers, and a check that they share one image side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from photoseek.bundle.manifest import Layout
from photoseek.languages import LANGUAGES
from photoseek.system.atomic_write import write_json_atomic
from photoseek_export.errors import ExportError, ImageSideDiffers
from photoseek_export.steps import StepCallback
from photoseek_export.towers import text_tower
from photoseek_train.model.checkpoint import (
    LoadedCheckpoint,
    load_checkpoint,
    read_metrics,
    save_tokenizer,
    weights_hash,
)
from photoseek_train.model.towers import weights_sha256


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint with its folder; its BERT uses eager attention, which can be exported."""

    path: Path
    loaded: LoadedCheckpoint

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Load a checkpoint.

        Raises:
            CheckpointError: It cannot be read.
        """
        return cls(Path(path), load_checkpoint(path, attention="eager"))

    @cached_property
    def weights(self) -> str:
        """The hash of the weights file."""
        return weights_hash(self.path)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The metrics of training, if they belong to the current weights."""
        metrics = read_metrics(self.path)
        return metrics if metrics.get("weights_sha256") == self.weights else {}

    @property
    def training(self) -> dict[str, Any]:
        """Data and settings of training, for the manifest."""
        config = self.loaded.config
        return {
            "data": asdict(config.data),
            "settings": asdict(config.optim),
            "augmentation": asdict(config.augment),
            "best_epoch": self.metrics.get("epoch"),
        }

    @property
    def description(self) -> str:
        """A short description of the text tower."""
        model = self.loaded.config.model
        layers, hidden = model.text_architecture["num_hidden_layers"], model.text_architecture["hidden_size"]
        return f"BERT, {layers} layers of {hidden}, initialized from: {model.text_model}, pooling: {model.pooling}"

    def facts(self, parity: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
        """Return the manifest's entry of each precision: ``parity`` by tower and, for fp32, the metrics of training."""
        facts: dict[str, dict[str, Any]] = {precision: {"parity": dict(found)} for precision, found in parity.items()}
        if "fp32" in facts and "dev" in self.metrics:
            facts["fp32"]["metrics"] = self.metrics["dev"]
        return facts

    def export_text(
        self, folder: Path, precisions: Sequence[str], on_step: StepCallback, language: str | None = None
    ) -> dict[str, float]:
        """Write graphs and tokenizer of the text tower into a bundle's folder; see ``Tower.export``.

        ``language`` is that of an additional tower; None for the main tower.
        """
        config = folder / Layout.tokenizer_config(language)
        config.parent.mkdir(exist_ok=True)
        save_tokenizer(self.loaded.tokenizer, config.parent)
        values = json.loads(config.read_text("utf-8"))
        write_json_atomic(config, {**values, "model_max_length": self.loaded.config.model.max_tokens})
        return text_tower(self.loaded, language).export(folder, precisions, on_step)


def load_extra_towers(
    main: Checkpoint, languages: Sequence[str], texts: Mapping[str, str | Path]
) -> dict[str, Checkpoint]:
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
    return {language: _load_extra(main, path) for language, path in texts.items()}


def _load_extra(main: Checkpoint, path: str | Path) -> Checkpoint:
    extra = Checkpoint.load(path)
    if differs := _first_difference(main.loaded, extra.loaded):
        raise ImageSideDiffers(
            f"{path}: expected the {differs} of {main.path}, which encodes the photos for all languages; train "
            f"the text tower against that checkpoint: photoseek-train fit --from {main.path} --text-model BERT"
        )
    return extra


def _first_difference(main: LoadedCheckpoint, other: LoadedCheckpoint) -> str:
    """Return the name of the first part of the image side that differs; empty if all parts are identical."""
    if main.config.preprocessing.id != other.config.preprocessing.id:
        return "preprocessing"
    pairs = {
        "image tower": (main.model.image_tower, other.model.image_tower),
        "image projector": (main.model.image_projector, other.model.image_projector),
    }
    return next((part for part, (a, b) in pairs.items() if weights_sha256(a) != weights_sha256(b)), "")
