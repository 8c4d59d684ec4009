"""Hugging Face models and tokenizers, from a local folder or by name."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from photoseek_train.errors import TowerError, describe_error

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
_TOKENIZER = ("tokenizer.json", "vocab.txt")
_OPTIONAL_KEYS = ("pooler.", "position_ids")  # the pooler is not used, position_ids are not learned


def load_text_model(source: str, attention: str = "sdpa") -> PreTrainedModel:
    """Load a BERT in float32, without its pooler.

    Args:
        source: A folder that ``save_pretrained`` wrote, loaded offline; or the name of a model.
        attention: ``attn_implementation`` of transformers: ``sdpa``, or ``eager`` for export.

    Raises:
        TowerError: The folder does not exist or lacks a file, the weights do not match, or there is no network.
    """
    folder = _local_folder(source)
    if folder is not None:
        _expect_file(folder, ("config.json",), "configuration")
        _expect_file(folder, _WEIGHTS, "weights")
    with silence_transformers():
        try:
            model, report = AutoModel.from_pretrained(
                source,
                attn_implementation=attention,
                dtype=torch.float32,
                local_files_only=folder is not None,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as error:  # OSError, ValueError, SafetensorError, ...
            raise TowerError(_cannot_load("a text model", source, folder, error)) from error
    _check_missing_keys(report["missing_keys"], source)
    return drop_pooler(model)


def build_text_model(architecture: Mapping[str, Any], attention: str = "sdpa") -> PreTrainedModel:
    """Build a BERT with random weights from its ``config.json``; needs no network.

    Raises:
        TowerError: transformers does not support the architecture.
    """
    values = {key: value for key, value in architecture.items() if key != "model_type"}
    try:
        config = AutoConfig.for_model(str(architecture.get("model_type")), **values)
        model = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, attn_implementation=attention, dtype=torch.float32, trust_remote_code=False
        )
    except Exception as error:  # a damaged configuration raises many types
        raise TowerError(f"expected the configuration of a BERT: {error}") from error
    return drop_pooler(model)


def load_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """Load the tokenizer of a BERT, with truncation and padding disabled.

    Raises:
        TowerError: The folder does not exist or has no tokenizer files, or there is no network.
    """
    folder = _local_folder(source)
    if folder is not None:
        _expect_file(folder, _TOKENIZER, "tokenizer")
    with silence_transformers():
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                source, local_files_only=folder is not None, trust_remote_code=False
            )
        except Exception as error:  # see load_text_model
            raise TowerError(_cannot_load("a tokenizer", source, folder, error)) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise TowerError(
            f"{source}: expected a fast tokenizer (tokenizer.json), found another type; convert it with transformers"
        )
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def drop_pooler(model: PreTrainedModel) -> PreTrainedModel:
    """Remove the pooler, which only next-sentence prediction uses."""
    if getattr(model, "pooler", None) is not None:
        model.register_module("pooler", None)
    return model


def _local_folder(source: str) -> Path | None:
    """Return the folder that ``source`` names; None if it is the name of a model."""
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise TowerError(f"{source}: no such folder; pass a folder with a Hugging Face BERT, or the name of a model")
    return None


def _expect_file(folder: Path, names: tuple[str, ...], what: str) -> None:
    if not any((folder / name).is_file() for name in names):
        raise TowerError(
            f"{folder}: no {what}: expected {' or '.join(names)}; "
            "pass a folder to which save_pretrained of the model and of its tokenizer wrote"
        )


def _check_missing_keys(missing: object, source: str) -> None:
    keys = sorted(str(key) for key in missing) if isinstance(missing, (list, set, tuple)) else []
    keys = [key for key in keys if not any(part in key for part in _OPTIONAL_KEYS)]
    if keys:
        raise TowerError(
            f"{source}: the weights lack {len(keys)} tensors of the configuration, the first is "
            f"{keys[0]!r}; pass a model whose weights match its config.json"
        )


def _cannot_load(what: str, source: str, folder: Path | None, error: Exception) -> str:
    reason = describe_error(error)
    if folder is not None:
        return f"{source}: {what} cannot be loaded from this folder: {reason}"
    offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    return (
        f"{source!r} is not a folder, and {what} of that name cannot be downloaded{offline}: {reason}; "
        "check the name and the network, or pass a folder that contains the model"
    )


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Disable the progress bars and log messages of transformers; progress is displayed by the command line."""
    logger = transformers.utils.logging
    level, bars = logger.get_verbosity(), logger.is_progress_bar_enabled()
    logger.set_verbosity(logging.CRITICAL)
    hub = logging.getLogger("huggingface_hub")  # logs every connection attempt
    hub_level = hub.level
    hub.setLevel(logging.CRITICAL)
    logger.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logger.set_verbosity(level)
        hub.setLevel(hub_level)
        if bars:
            logger.enable_progress_bar()  # type: ignore[no-untyped-call]
