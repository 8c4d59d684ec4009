"""Weights for torchvision's ResNet18, with its classifier left out."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor

from photoseek_train.errors import TowerError

Weights = dict[str, Tensor]


def resnet18_weights(source: str) -> Weights | None:
    """The state dict that ``source`` names, without ``fc``.

    Args:
        source: ``imagenet`` (torchvision's ``ResNet18_Weights.IMAGENET1K_V1``, fetched once), the path of a
            torchvision state dict, or ``none`` for random weights.

    Returns:
        The weights; None for ``none``.

    Raises:
        TowerError: No such file, not a state dict of ResNet18, or no network.
    """
    if source == "none":
        return None
    weights = _imagenet() if source == "imagenet" else _from_file(Path(source).expanduser())
    weights = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    _expect_resnet18(weights, source)
    return weights


def _imagenet() -> Weights:
    try:
        return dict(torchvision.models.ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False))
    except Exception as error:  # URLError, TimeoutError, a broken download, ...: each means the same here
        raise TowerError(
            f"torchvision's ImageNet weights cannot be fetched: {error}; with no network, fetch "
            "https://download.pytorch.org/models/resnet18-f37072fd.pth elsewhere and give the file"
        ) from error


def _from_file(path: Path) -> Weights:
    if not path.is_file():
        raise TowerError(f"{path}: no such file; give 'imagenet', 'none', or a torchvision state dict (.pth)")
    try:
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:120]
        raise TowerError(f"{path}: expected a torchvision state dict, found no file of torch.save: {reason}") from error
    if not isinstance(values, dict) or not all(isinstance(tensor, Tensor) for tensor in values.values()):
        raise TowerError(f"{path}: expected a torchvision state dict (names to tensors), found something else")
    return dict(values)


def _expect_resnet18(weights: Weights, source: str) -> None:
    with torch.device("meta"):
        expected = {k: v for k, v in torchvision.models.resnet18().state_dict().items() if k[:3] != "fc."}
    found = weights.keys()
    optional = {name for name in expected if name.endswith("num_batches_tracked")}
    _refuse_names(sorted(expected.keys() - found - optional), "lacks", source)
    _refuse_names(sorted(found - expected.keys()), "has unexpected", source)
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise TowerError(
                f"{source}: expected {name} of shape {tuple(expected[name].shape)}, "
                f"found {tuple(tensor.shape)}; give a ResNet18 of torchvision"
            )


def _refuse_names(names: list[str], what: str, source: str) -> None:
    if names:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise TowerError(f"{source}: {what} {len(names)} entries of ResNet18: {shown}; give torchvision's")
