"""The ResNets of torchvision without their classifier, and their weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import torchvision.models as zoo
from torch import nn
from torchvision.models.resnet import ResNet

from photoseek_train.config import TIMM
from photoseek_train.errors import SettingsError, TowerError
from photoseek_train.model.weight_files import Weights, load_weights, read_state_dict


@cache
def resnet_names() -> tuple[str, ...]:
    """Return the names of torchvision's ``ResNet`` models: resnet18 to resnet152, ResNeXt and Wide ResNet."""
    return tuple(name for name in zoo.list_models() if zoo.get_model_builder(name).__module__ == ResNet.__module__)


def build_resnet(name: str) -> tuple[nn.Module, int]:
    """Return a ResNet with random weights and without its classifier, and the width of its features.

    Raises:
        SettingsError: torchvision has no ResNet of this name.
    """
    if name not in resnet_names():
        raise SettingsError(f"image_model: expected one of {', '.join(resnet_names())}, or {TIMM}NAME, found {name!r}")
    resnet: Any = zoo.get_model(name, weights=None)
    width = int(resnet.fc.in_features)
    resnet.fc = nn.Identity()
    return resnet, width


def load_resnet_weights(resnet: nn.Module, name: str, source: str) -> None:
    """Replace the weights of a ResNet.

    Args:
        resnet: A model that ``build_resnet`` returned.
        name: torchvision's name of the model.
        source: ``imagenet`` (torchvision's ``IMAGENET1K_V1``, downloaded once, trained on photos resized to 256 and
            cropped to 224 pixels), or the path of a torchvision state dict.

    Raises:
        TowerError: The file does not exist or is not a state dict of this ResNet, or there is no network.
    """
    weights = _imagenet(name) if source == "imagenet" else read_state_dict(source)
    weights = {entry: tensor for entry, tensor in weights.items() if not entry.startswith("fc.")}
    load_weights(resnet, weights, source, f"torchvision's {name}")


def resnet_stages(resnet: nn.Module) -> list[list[nn.Parameter]]:
    """Return the parameters of the stem and of the four stages of a ResNet."""
    blocks = [name for name, _ in resnet.named_children() if name.startswith("layer")]
    stages: dict[str, list[nn.Parameter]] = {name: [] for name in ("stem", *blocks)}
    for name, parameter in resnet.named_parameters():
        stages.get(name.partition(".")[0], stages["stem"]).append(parameter)
    return list(stages.values())


def _imagenet(name: str) -> Weights:
    entry: Any = zoo.get_model_weights(name)["IMAGENET1K_V1"]
    try:
        return dict(entry.get_state_dict(progress=False))
    except Exception as error:  # URLError, TimeoutError, an incomplete download, ...
        raise TowerError(
            f"torchvision's ImageNet weights cannot be downloaded: {error}; without a network, download "
            f"{entry.url} elsewhere, and pass --image-weights FILE"
        ) from error
