"""The ResNets of torchvision, by name."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torchvision.models as zoo
from torch import Tensor, nn
from torchvision.models.resnet import ResNet

from photoseek_train.errors import SettingsError

Shapes = dict[str, tuple[int, ...]]
"""Shapes of the entries of a state dict."""


@cache
def resnet_names() -> tuple[str, ...]:
    """Return the names of torchvision's ``ResNet`` models: resnet18 to resnet152, ResNeXt and Wide ResNet."""
    return tuple(name for name in zoo.list_models() if zoo.get_model_builder(name).__module__ == ResNet.__module__)


def require_resnet(name: str) -> None:
    """Check that torchvision has a ResNet of this name.

    Raises:
        SettingsError: It has none.
    """
    if name not in resnet_names():
        raise SettingsError(f"image_model: expected one of {', '.join(resnet_names())}, found {name!r}")


def build_resnet(name: str) -> tuple[nn.Module, int]:
    """Return a ResNet with random weights and without its classifier, and the width of its features.

    Raises:
        SettingsError: torchvision has no ResNet of this name.
    """
    require_resnet(name)
    resnet: Any = zoo.get_model(name, weights=None)
    width = int(resnet.fc.in_features)
    resnet.fc = nn.Identity()
    return resnet, width


def shapes_of(name: str) -> Shapes:
    """Return the shapes of the state dict of a ResNet without its classifier."""
    with torch.device("meta"):
        return entry_shapes(build_resnet(name)[0].state_dict())


def entry_shapes(weights: dict[str, Tensor]) -> Shapes:
    """Return the shape of each entry."""
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def is_optional(entry: str) -> bool:
    """Return whether a state dict may lack the entry: old files have no batch counters."""
    return entry.endswith("num_batches_tracked")


def find_resnet(found: Shapes) -> str | None:
    """Return the name of the ResNet whose state dict has exactly these shapes, or None."""
    needed = {entry: shape for entry, shape in found.items() if not is_optional(entry)}
    for name in resnet_names():
        if needed == {entry: shape for entry, shape in shapes_of(name).items() if not is_optional(entry)}:
            return name
    return None
