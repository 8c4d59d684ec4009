"""photoseek_train: training of two-tower models from photos and captions. Names are imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photoseek_train.config import ModelInit
    from photoseek_train.data.dataset import CaptionedPhotos
    from photoseek_train.errors import TrainingError
    from photoseek_train.evaluation.evaluate import evaluate
    from photoseek_train.model.checkpoint import load_checkpoint
    from photoseek_train.model.two_tower import TwoTower
    from photoseek_train.training.fit import Fit, FitSettings

__all__ = [
    "CaptionedPhotos",
    "Fit",
    "FitSettings",
    "ModelInit",
    "TrainingError",
    "TwoTower",
    "evaluate",
    "load_checkpoint",
]

_HOME = {
    "CaptionedPhotos": "data.dataset",
    "Fit": "training.fit",
    "FitSettings": "training.fit",
    "ModelInit": "config",
    "TrainingError": "errors",
    "TwoTower": "model.two_tower",
    "evaluate": "evaluation.evaluate",
    "load_checkpoint": "model.checkpoint",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
