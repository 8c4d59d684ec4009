"""Several checkpoints averaged into one: a model soup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from photoseek_train.config import ModelConfig
from photoseek_train.errors import SettingsError
from photoseek_train.model.checkpoint import (
    CheckpointFiles,
    LoadedCheckpoint,
    create_checkpoint,
    load_checkpoint,
    weights_hash,
    write_weights,
)


def model_soup(checkpoints: Sequence[str | Path], out: str | Path) -> None:
    """Write the checkpoint whose weights are the mean of others', each counting the same.

    It helps where they began from one another or from a common one, so that a straight line between them stays among
    good weights, and costs nothing at search: one model is kept, not several. The means and variances of batch norms
    are averaged, too; configuration and tokenizer are those of the first.

    Source: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", ICML 2022, section 2 (the uniform soup).

    Args:
        checkpoints: At least two folders that ``fit`` made.
        out: A new folder. Its ``metrics.json`` has the hashes of what was averaged: measure it with ``evaluate``.

    Raises:
        SettingsError: Fewer than two; ``out`` holds a checkpoint already; towers, preprocessing or vocabulary differ.
        CheckpointNotFound: One of them is no checkpoint; and ``CheckpointDamaged``, ``CheckpointIncompatible`` as
            ``load_checkpoint``.
    """
    paths, folder = [Path(path).expanduser() for path in checkpoints], Path(out).expanduser()
    if len(paths) < 2:
        raise SettingsError(f"expected at least two checkpoints to average, found {len(paths)}")
    if (folder / CheckpointFiles.CONFIG).exists():
        raise SettingsError(f"{folder}: holds a checkpoint already; name a new folder")
    first = load_checkpoint(paths[0])
    mean = first.model.state_dict()  # shares its memory with the model
    for number, path in enumerate(paths[1:], start=2):
        other = load_checkpoint(path)
        _check_compatible(paths[0], first, path, other)
        for name, theirs in other.model.state_dict().items():
            if theirs.is_floating_point():
                mean[name].lerp_(theirs, torch.tensor(1 / number))
    create_checkpoint(folder, first.config, first.tokenizer)
    write_weights(folder, first.model, {"average_of": [weights_hash(path) for path in paths]})


def _check_compatible(first_path: Path, first: LoadedCheckpoint, path: Path, other: LoadedCheckpoint) -> None:
    for what, ours, theirs in (
        ("towers", _shape(first), _shape(other)),
        ("preprocessing", first.config.preprocessing, other.config.preprocessing),
        ("vocabulary", first.tokenizer.get_vocab(), other.tokenizer.get_vocab()),
    ):
        if ours != theirs:
            raise SettingsError(f"{path}: other {what} than in {first_path}; only like can be averaged")


def _shape(loaded: LoadedCheckpoint) -> ModelConfig:
    """The model's configuration without what it was begun with and how it was trained."""
    return replace(loaded.config.model, text_model="", image_weights="", dropout=0.0)
