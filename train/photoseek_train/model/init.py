"""Initialization of the model of a training run."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from photoseek_train.config import ModelConfig
from photoseek_train.errors import SettingsError
from photoseek_train.model.checkpoint import LoadedCheckpoint, load_checkpoint
from photoseek_train.model.pretrained import load_tokenizer
from photoseek_train.model.towers import ImageTower, TextTower
from photoseek_train.model.two_tower import TwoTower

_PROVENANCE_KEYS = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures")


@dataclass(frozen=True)
class ModelInit:
    """What a training run initializes the model from.

    Attributes:
        text_model: Folder or name of a Hugging Face BERT.
        image_weights: ``imagenet``, a torchvision state dict (``.pth``), or ``none``.
        pooling: ``mean`` or ``cls``.
        max_tokens: Captions are truncated to this length.
        dim: Dimension of the vectors.
        dropout: Dropout rate of the projectors.
        checkpoint: Load towers, projectors, pooling and dim from this checkpoint instead. With ``text_model``, load
            only the image side, dim and temperature; text tower, ``pooling`` and text projector are new.
        image_model: torchvision's name of a ResNet.
    """

    text_model: str = ""
    image_weights: str = "imagenet"
    pooling: str = "mean"
    max_tokens: int = 64
    dim: int = 256
    dropout: float = 0.1
    checkpoint: Path | None = None
    image_model: str = "resnet18"

    @property
    def random_image_init(self) -> bool:
        """Whether the image tower starts from random weights."""
        return self.checkpoint is None and self.image_weights == "none"


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
    if loaded is not None and not sources.text_model:
        return _from_checkpoint(loaded, sources)
    tokenizer = load_tokenizer(sources.text_model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        text = TextTower.from_pretrained(sources.text_model, sources.pooling)
        if loaded is None:
            image, dim = ImageTower.from_pretrained(sources.image_weights, sources.image_model), sources.dim
        else:
            image, dim = loaded.model.image_tower, loaded.model.dim
        model = TwoTower(text, image, dim, sources.dropout)
    _check_positions(text.bert, sources.max_tokens)
    config = _model_config(sources, text.bert)
    if loaded is not None:
        model.image_projector, model.logit_scale = loaded.model.image_projector, loaded.model.logit_scale
        known = loaded.config.model
        config = replace(config, image_weights=known.image_weights, image_model=known.image_model, dim=known.dim)
    return BuiltModel(model, tokenizer, config)


def _from_checkpoint(loaded: LoadedCheckpoint, sources: ModelInit) -> BuiltModel:
    """Return the model of a checkpoint."""
    config = replace(loaded.config.model, max_tokens=sources.max_tokens, dropout=sources.dropout)
    loaded.model.set_dropout(sources.dropout)
    _check_positions(loaded.model.text_tower.bert, sources.max_tokens)
    return BuiltModel(loaded.model, loaded.tokenizer, config)


def architecture_config(bert: PreTrainedModel) -> dict[str, Any]:
    """Return a model's ``config.json`` without the fields that describe its origin."""
    values = json.loads(bert.config.to_json_string(use_diff=False))
    return {key: value for key, value in values.items() if key not in _PROVENANCE_KEYS}


def _model_config(sources: ModelInit, bert: PreTrainedModel) -> ModelConfig:
    return ModelConfig(
        text_model=_base_name(sources.text_model),
        text_architecture=architecture_config(bert),
        pooling=sources.pooling,
        max_tokens=sources.max_tokens,
        image_weights=_base_name(sources.image_weights),
        dim=sources.dim,
        dropout=sources.dropout,
        image_model=sources.image_model,
    )


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
