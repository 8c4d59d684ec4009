"""Initialization of the model of a training run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from photoseek_train.config import ModelConfig, ModelInit
from photoseek_train.errors import SettingsError
from photoseek_train.model.checkpoint import LoadedCheckpoint, load_checkpoint
from photoseek_train.model.pretrained import load_tokenizer
from photoseek_train.model.towers import ImageTower, TextTower
from photoseek_train.model.two_tower import TwoTower

_PROVENANCE_KEYS = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures")


class BuiltModel(NamedTuple):
    """A model with its tokenizer and its configuration."""

    model: TwoTower
    tokenizer: PreTrainedTokenizerFast
    config: ModelConfig


def build_model(sources: ModelInit, seed: int) -> BuiltModel:
    """Build the model: pretrained towers with random projectors drawn from ``seed``, or all or half of a checkpoint.

    Raises:
        TowerError: Weights, tokenizer or configuration cannot be loaded.
        CheckpointError: The checkpoint cannot be used.
        SettingsError: torchvision has no such ResNet, or ``max_tokens`` exceeds the positions of the text tower.
    """
    loaded = None if sources.checkpoint is None else load_checkpoint(sources.checkpoint)
    if loaded is not None and sources.text_model is None:
        loaded.model.set_dropout(sources.dropout)
        config = replace(loaded.config.model, max_tokens=sources.max_tokens, dropout=sources.dropout)
        built = BuiltModel(loaded.model, loaded.tokenizer, config)
    else:
        built = _build(sources, seed, loaded)
    _check_positions(built.model.text_tower.bert, sources.max_tokens)
    return built


def _build(sources: ModelInit, seed: int, loaded: LoadedCheckpoint | None) -> BuiltModel:
    """Return a model with a new text side, and the image side of a checkpoint if there is one."""
    source = cast(str, sources.text_model)
    tokenizer = load_tokenizer(source)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        text = TextTower.from_pretrained(source, sources.pooling)
        if loaded is None:
            image, dim = ImageTower.from_pretrained(sources.image_weights, sources.image_model), sources.dim
        else:
            image, dim = loaded.model.image_tower, loaded.model.dim
        model = TwoTower(text, image, dim, sources.dropout)
    config = ModelConfig(
        text_model=_base_name(source),
        text_architecture=architecture_config(text.bert),
        pooling=sources.pooling,
        max_tokens=sources.max_tokens,
        image_weights=_base_name(sources.image_weights),
        dim=dim,
        dropout=sources.dropout,
        image_model=sources.image_model,
    )
    if loaded is not None:
        model.image_projector, model.logit_scale = loaded.model.image_projector, loaded.model.logit_scale
        known = loaded.config.model
        config = replace(config, image_weights=known.image_weights, image_model=known.image_model)
    return BuiltModel(model, tokenizer, config)


def architecture_config(bert: PreTrainedModel) -> dict[str, Any]:
    """Return a model's ``config.json`` without the fields that describe its origin."""
    values = json.loads(bert.config.to_json_string(use_diff=False))
    return {key: value for key, value in values.items() if key not in _PROVENANCE_KEYS}


def _base_name(source: str) -> str:
    """Return the name of a local path without its folder: a checkpoint does not record paths of this machine."""
    path = Path(source).expanduser()
    return path.resolve().name if path.exists() else source


def _check_positions(bert: PreTrainedModel, max_tokens: int) -> None:
    positions = int(getattr(bert.config, "max_position_embeddings", max_tokens))
    if max_tokens > positions:
        raise SettingsError(
            f"max_tokens: expected at most {positions}, the positions of the text model, found {max_tokens}"
        )
