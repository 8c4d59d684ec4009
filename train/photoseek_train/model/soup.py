"""Model soups: checkpoints with averaged weights."""

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
    """Write the checkpoint whose weights are the mean of other checkpoints' weights.

    Averaging helps if the checkpoints were fine-tuned from one another or from a common one, and costs nothing at
    search time. The statistics of batch norms are averaged, too; configuration and tokenizer are those of the first
    checkpoint.

    Source: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", ICML 2022, section 2 (the uniform soup).

    Args:
        checkpoints: At least two folders that ``fit`` wrote.
        out: New folder. Its ``metrics.json`` has the hashes of the averaged weights; ``evaluate`` computes its metrics.

    Raises:
        SettingsError: Fewer than two checkpoints; ``out`` contains a checkpoint; or architecture, preprocessing or
            vocabulary differ.
        CheckpointError: See ``load_checkpoint``.
    """
    paths, folder = [Path(path).expanduser() for path in checkpoints], Path(out).expanduser()
    if len(paths) < 2:
        raise SettingsError(f"expected at least two checkpoints to average, found {len(paths)}")
    if (folder / CheckpointFiles.CONFIG).exists():
        raise SettingsError(f"{folder}: contains a checkpoint; choose a new folder")
    first = load_checkpoint(paths[0])
    mean = first.model.state_dict()  # shares memory with the model
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
            raise SettingsError(
                f"{path}: expected the {what} of {first_path}, found another; average compatible checkpoints only"
            )


def _shape(loaded: LoadedCheckpoint) -> ModelConfig:
    """Return the model's configuration without its origin and dropout."""
    return replace(loaded.config.model, text_model="", image_weights="", dropout=0.0)
