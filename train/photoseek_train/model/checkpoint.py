"""Checkpoints: folders that contain a trained model, its configuration and its training history."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
from transformers import PreTrainedTokenizerFast

from photoseek.system.atomic_write import file_sha256, read_bounded, write_bytes_atomic, write_json_atomic
from photoseek_train.config import TrainingConfig
from photoseek_train.errors import CheckpointDamaged, CheckpointNotFound, SettingsError, describe_error
from photoseek_train.model.pretrained import load_tokenizer
from photoseek_train.model.two_tower import TwoTower


class CheckpointFiles:
    """The names of a checkpoint's files; no other module contains them."""

    CONFIG = "config.json"
    WEIGHTS = "model.safetensors"
    METRICS = "metrics.json"
    HISTORY = "history.jsonl"
    LAST = "last.pt"
    FEATURES = "features"
    ENVIRONMENT = "environment.json"
    COMMANDS = "commands.json"
    DATA = "data.json"
    DEV = "dev.txt"
    REPORT = "report.html"
    TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    REQUIRED = (CONFIG, WEIGHTS, "tokenizer.json", "tokenizer_config.json")


class LoadedCheckpoint(NamedTuple):
    """The content of a checkpoint; the model is in evaluation mode."""

    model: TwoTower
    config: TrainingConfig
    tokenizer: PreTrainedTokenizerFast


def create_checkpoint(path: Path, config: TrainingConfig, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write the files that do not change during a run: configuration and tokenizer."""
    path.mkdir(parents=True, exist_ok=True)
    write_json_atomic(path / CheckpointFiles.CONFIG, config.to_json())  # first: it identifies the folder of a run
    save_tokenizer(tokenizer, path)


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write ``CheckpointFiles.TOKENIZER``, so that transformers 4 reads them as well as 5.

    Transformers 5 omits ``special_tokens_map.json``, and calls ``PreTrainedTokenizerFast`` by a name that 4 lacks.
    """
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if not isinstance(token, list)}
    write_json_atomic(folder / "special_tokens_map.json", special)
    with tempfile.TemporaryDirectory() as draft:
        tokenizer.save_pretrained(draft)
        settings = Path(draft, "tokenizer_config.json")
        text = settings.read_text("utf-8")
        settings.write_text(text.replace('"TokenizersBackend"', '"PreTrainedTokenizerFast"'), "utf-8")
        for path in Path(draft).iterdir():
            if path.name in CheckpointFiles.TOKENIZER:
                write_bytes_atomic(folder / path.name, path.read_bytes())


def write_weights(path: Path, model: TwoTower, metrics: Mapping[str, Any]) -> None:
    """Replace the weights, then their metrics."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_bytes_atomic(path / CheckpointFiles.WEIGHTS, safetensors.torch.save(tensors, metadata={"format": "pt"}))
    write_json_atomic(path / CheckpointFiles.METRICS, {**metrics, "weights_sha256": weights_hash(path)})


def write_history(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace ``history.jsonl``, which has one line per epoch."""
    write_bytes_atomic(path / CheckpointFiles.HISTORY, "".join(json.dumps(row) + "\n" for row in rows).encode())


def load_checkpoint(path: str | Path, attention: str = "sdpa") -> LoadedCheckpoint:
    """Load model, configuration and tokenizer from a checkpoint, without a network.

    Args:
        path: Folder of the checkpoint.
        attention: ``attn_implementation`` of transformers: ``sdpa``, or ``eager`` for export.

    Returns:
        The model, its configuration and its tokenizer.

    Raises:
        CheckpointNotFound: The folder does not exist, or contains no checkpoint.
        CheckpointDamaged: A file is missing, unreadable, or does not match the configuration.
        CheckpointIncompatible: The checkpoint has another format.
    """
    folder = Path(path).expanduser()
    config = read_config(folder)
    try:
        model = TwoTower.from_config(config.model, attention)
    except SettingsError as error:
        raise CheckpointDamaged(f"{folder / CheckpointFiles.CONFIG}: {error}") from error
    _load_weights(model, folder / CheckpointFiles.WEIGHTS)
    return LoadedCheckpoint(model.eval(), config, load_tokenizer(str(folder)))


def read_config(folder: Path) -> TrainingConfig:
    """Read ``config.json`` after checking that the other files exist; raises like ``load_checkpoint``."""
    if not (folder / CheckpointFiles.CONFIG).is_file():
        raise CheckpointNotFound(
            f"{folder}: no checkpoint here (no {CheckpointFiles.CONFIG}); create one with: photoseek-train fit"
        )
    for name in CheckpointFiles.REQUIRED:
        if not (folder / name).is_file():
            raise CheckpointDamaged(
                f"{folder / name}: missing from the checkpoint; copy the file again, or train again"
            )
    try:
        values = json.loads(read_bounded(folder / CheckpointFiles.CONFIG).decode())
    except (OSError, ValueError) as error:
        raise CheckpointDamaged(f"{folder / CheckpointFiles.CONFIG}: expected JSON: {error}") from error
    return TrainingConfig.from_json(values, str(folder / CheckpointFiles.CONFIG))


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Return ``metrics.json``: epoch, dev metrics, ``weights_sha256``; empty if the file does not exist."""
    file = Path(path) / CheckpointFiles.METRICS
    values = json.loads(read_bounded(file).decode()) if file.is_file() else {}
    return dict(values)


def weights_hash(path: str | Path) -> str:
    """Return the SHA-256 of ``model.safetensors``."""
    return file_sha256(Path(path) / CheckpointFiles.WEIGHTS)


def _load_weights(model: TwoTower, path: Path) -> None:
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointDamaged(
            f"{path}: expected the weights that config.json describes: {describe_error(error)}"
        ) from error
