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

from photoseek_train.errors import TowerError, reason_of

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
_TOKENIZER = ("tokenizer.json", "vocab.txt")
_OPTIONAL_KEYS = ("pooler.", "position_ids")  # the pooler is dropped, position_ids are counted, not learned


def load_text_model(source: str, attention: str = "sdpa") -> PreTrainedModel:
    """Load a BERT in float32, without its pooler.

    Args:
        source: A folder that ``save_pretrained`` wrote, used offline; or the name of a model.
        attention: ``attn_implementation`` of transformers: ``sdpa``, or ``eager`` for export.

    Raises:
        TowerError: No such folder, a folder that lacks a file, weights that don't fit, or no network.
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
        except Exception as error:  # OSError, ValueError, safetensors' own, ...: each means the same here
            raise TowerError(_cannot_load("a text model", source, folder, error)) from error
    _check_missing_keys(report["missing_keys"], source)
    return drop_pooler(model)


def build_text_model(architecture: Mapping[str, Any], attention: str = "sdpa") -> PreTrainedModel:
    """A BERT with random weights, from its ``config.json``; needs no network.

    Raises:
        TowerError: transformers doesn't know the architecture.
    """
    values = {key: value for key, value in architecture.items() if key != "model_type"}
    try:
        config = AutoConfig.for_model(str(architecture.get("model_type")), **values)
        model = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, attn_implementation=attention, dtype=torch.float32, trust_remote_code=False
        )
    except Exception as error:  # a damaged configuration fails in many ways
        raise TowerError(f"expected the configuration of a BERT: {error}") from error
    return drop_pooler(model)


def load_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """Load the tokenizer of a BERT, with neither truncation nor padding of its own.

    Raises:
        TowerError: No such folder, a folder without tokenizer files, or no network.
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
        raise TowerError(f"{source}: expected a tokenizer that can be written as tokenizer.json, found none")
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def drop_pooler(model: PreTrainedModel) -> PreTrainedModel:
    """Drop the layer that only next-sentence prediction uses."""
    if getattr(model, "pooler", None) is not None:
        model.register_module("pooler", None)
    return model


def _local_folder(source: str) -> Path | None:
    """The folder that ``source`` names; None: it is the name of a model."""
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise TowerError(f"{source}: no such folder; give a folder with a Hugging Face BERT, or a model's name")
    return None


def _expect_file(folder: Path, names: tuple[str, ...], what: str) -> None:
    if not any((folder / name).is_file() for name in names):
        raise TowerError(
            f"{folder}: no {what}: expected {' or '.join(names)}; "
            "give a folder that save_pretrained of the model and of its tokenizer wrote"
        )


def _check_missing_keys(missing: object, source: str) -> None:
    keys = sorted(str(key) for key in missing) if isinstance(missing, (list, set, tuple)) else []
    keys = [key for key in keys if not any(part in key for part in _OPTIONAL_KEYS)]
    if keys:
        raise TowerError(
            f"{source}: the weights lack {len(keys)} tensors that its configuration asks for, the first is "
            f"{keys[0]!r}; give a model whose weights belong to its config.json"
        )


def _cannot_load(what: str, source: str, folder: Path | None, error: Exception) -> str:
    reason = reason_of(error)
    if folder is not None:
        return f"{source}: {what} cannot be loaded from this folder: {reason}"
    offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    return (
        f"{source!r} is no folder here, and {what} of that name cannot be fetched{offline}: {reason}; "
        "check the name and the network, or give a folder that holds the model"
    )


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Keep transformers from drawing bars and tables: that is the command line's business."""
    logger = transformers.utils.logging
    level, bars = logger.get_verbosity(), logger.is_progress_bar_enabled()
    logger.set_verbosity(logging.CRITICAL)
    hub = logging.getLogger("huggingface_hub")  # tells of each try to reach the network
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
