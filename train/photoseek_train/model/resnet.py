"""The ResNets that torchvision has, each by its name there."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torchvision.models as zoo
from torch import Tensor, nn
from torchvision.models.resnet import ResNet

from photoseek_train.errors import SettingsError

Shapes = dict[str, tuple[int, ...]]
"""Shape of each entry of a state dict."""


@cache
def resnet_names() -> tuple[str, ...]:
    """What torchvision's registry builds as a ``ResNet``: resnet18 to resnet152, ResNeXt and Wide ResNet."""
    return tuple(name for name in zoo.list_models() if zoo.get_model_builder(name).__module__ == ResNet.__module__)


def require_resnet(name: str) -> None:
    """See that torchvision has such a ResNet.

    Raises:
        SettingsError: It has none.
    """
    if name not in resnet_names():
        raise SettingsError(f"image_model: expected one of {', '.join(resnet_names())}, found {name!r}")


def build_resnet(name: str) -> tuple[nn.Module, int]:
    """A ResNet with random weights and without its classifier, and the width of its features; raises as above."""
    require_resnet(name)
    resnet: Any = zoo.get_model(name, weights=None)
    width = int(resnet.fc.in_features)
    resnet.fc = nn.Identity()
    return resnet, width


def shapes_of(name: str) -> Shapes:
    """What a state dict of this ResNet holds, without its classifier."""
    with torch.device("meta"):
        return entry_shapes(build_resnet(name)[0].state_dict())


def entry_shapes(weights: dict[str, Tensor]) -> Shapes:
    """The shape of each entry."""
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def is_optional(entry: str) -> bool:
    """Whether a state dict may lack it: files of old releases know no counts of batches."""
    return entry.endswith("num_batches_tracked")


def find_resnet(found: Shapes) -> str | None:
    """The name of the ResNet whose entries, all of them and in these shapes, were found."""
    needed = {entry: shape for entry, shape in found.items() if not is_optional(entry)}
    for name in resnet_names():
        if needed == {entry: shape for entry, shape in shapes_of(name).items() if not is_optional(entry)}:
            return name
    return None
