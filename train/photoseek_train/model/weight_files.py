"""Files of pretrained weights."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from photoseek_train.errors import TowerError, describe_error

Weights = dict[str, Tensor]


COUNTER = "num_batches_tracked"
"""Ends the names of the batch counters of batch norms, which old files lack."""


def load_weights(module: nn.Module, weights: Weights, source: str, model: str) -> None:
    """Replace the weights of a module; batch counters may be missing.

    Args:
        module: The module.
        weights: Its weights by name.
        source: What the weights were read from, for errors.
        model: The model whose weights are expected, for errors.

    Raises:
        TowerError: They are not the weights of the module.
    """
    counters = {name: tensor for name, tensor in module.state_dict().items() if name.endswith(COUNTER)}
    try:
        module.load_state_dict({**counters, **weights})
    except RuntimeError as error:
        raise TowerError(
            f"{source}: expected the weights of {model}: {describe_error(error)}; pass these weights, or the "
            "--image-model of the file"
        ) from error


def read_state_dict(source: str) -> Weights:
    """Read a state dict, ``.safetensors`` or a pickle of tensors (``.pth``).

    Raises:
        TowerError: The file does not exist, or is not a state dict.
    """
    path = Path(source).expanduser()
    if not path.is_file():
        raise TowerError(f"{path}: no such file; pass 'imagenet', 'none', or a state dict (.pth, .safetensors)")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        pickle.UnpicklingError,
        safetensors.SafetensorError,
    ) as error:
        found = f"found another file: {describe_error(error)}"
        raise TowerError(f"{path}: expected a state dict, {found}") from error
    if not isinstance(values, dict) or not all(isinstance(tensor, Tensor) for tensor in values.values()):
        raise TowerError(f"{path}: expected a state dict (names to tensors), found something else")
    return dict(values)
