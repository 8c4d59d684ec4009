"""photoseek_train: from photos and captions to a two-tower model. Its names are imported when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photoseek_train.checkpoint import load_checkpoint
    from photoseek_train.dataset import CaptionedPhotos
    from photoseek_train.errors import TrainingError
    from photoseek_train.evaluate import evaluate
    from photoseek_train.fit import Fit, FitSettings
    from photoseek_train.model import TwoTower
    from photoseek_train.sources import TowerSources

__all__ = [
    "CaptionedPhotos",
    "Fit",
    "FitSettings",
    "TowerSources",
    "TrainingError",
    "TwoTower",
    "evaluate",
    "load_checkpoint",
]

_HOME = {
    "CaptionedPhotos": "dataset",
    "Fit": "fit",
    "FitSettings": "fit",
    "TowerSources": "sources",
    "TrainingError": "errors",
    "TwoTower": "model",
    "evaluate": "evaluate",
    "load_checkpoint": "checkpoint",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
