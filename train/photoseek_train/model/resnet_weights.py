"""Weights of torchvision's ResNets, without the classifier."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
import torchvision.models as zoo
from torch import Tensor

from photoseek_train.errors import TowerError, describe_error
from photoseek_train.model.resnet import entry_shapes, find_resnet, is_optional, require_resnet, shapes_of

Weights = dict[str, Tensor]


def resnet_weights(source: str, model: str = "resnet18") -> Weights | None:
    """Load the state dict that ``source`` names, without ``fc``.

    Args:
        source: ``imagenet`` (torchvision's ``IMAGENET1K_V1``, downloaded once, trained on photos resized to 256 and
            cropped to 224 pixels), the path of a torchvision state dict, or ``none`` for random weights.
        model: torchvision's name of the ResNet.

    Returns:
        The weights; None for ``none``.

    Raises:
        SettingsError: torchvision has no ResNet of this name.
        TowerError: The file does not exist or is not a state dict of this ResNet, or there is no network.
    """
    require_resnet(model)
    if source == "none":
        return None
    weights = _imagenet(model) if source == "imagenet" else _from_file(Path(source).expanduser())
    weights = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    _check_weights(model, weights, source)
    return weights


def _imagenet(model: str) -> Weights:
    entry: Any = zoo.get_model_weights(model)["IMAGENET1K_V1"]
    try:
        return dict(entry.get_state_dict(progress=False))
    except Exception as error:  # URLError, TimeoutError, an incomplete download, ...
        raise TowerError(
            f"torchvision's ImageNet weights cannot be downloaded: {error}; without a network, download "
            f"{entry.url} elsewhere and pass the file"
        ) from error


def _from_file(path: Path) -> Weights:
    if not path.is_file():
        raise TowerError(f"{path}: no such file; pass 'imagenet', 'none', or a torchvision state dict (.pth)")
    try:
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        found = f"found another file: {describe_error(error)}"
        raise TowerError(f"{path}: expected a torchvision state dict, {found}") from error
    if not isinstance(values, dict) or not all(isinstance(tensor, Tensor) for tensor in values.values()):
        raise TowerError(f"{path}: expected a torchvision state dict (names to tensors), found something else")
    return dict(values)


def _check_weights(model: str, weights: Weights, source: str) -> None:
    expected, found = shapes_of(model), entry_shapes(weights)
    lacking = sorted(name for name in expected.keys() - found.keys() if not is_optional(name))
    unexpected = sorted(found.keys() - expected.keys())
    odd = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    if not lacking and not unexpected and not odd:
        return
    other = find_resnet(found)
    if other is not None:
        raise TowerError(
            f"{source}: expected the weights of {model}, this looks like {other}; "
            f"pass the weights of {model}, or --image-model {other}"
        )
    _refuse_names(lacking, "lacks", model, source)
    _refuse_names(unexpected, "has unexpected", model, source)
    raise TowerError(
        f"{source}: expected {odd[0]} of shape {expected[odd[0]]}, found {found[odd[0]]}; pass torchvision's {model}"
    )


def _refuse_names(names: list[str], what: str, model: str, source: str) -> None:
    if names:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise TowerError(f"{source}: {what} {len(names)} entries of {model}: {shown}; pass torchvision's state dict")
