"""A graph counts only when its vectors are PyTorch's, at another batch size and length than it was traced with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photoseek.sessions import Graph
from photoseek.vectors import normalise
from photoseek_export.errors import ParityError
from photoseek_train.model import TwoTower

TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3, "int8": 0.2}
"""The largest absolute difference allowed between numbers of unit vectors, by precision.

That of int8 only catches a broken graph: what its rounding costs is measured in retrieval.
"""

_TEXT_SHAPES = ((1, 3), (5, 23), (3, 1))  # (batch, sequence): none is the one that was traced
_VISION_BATCHES = (1, 5)


def check_text_parity(model: TwoTower, graph: Path, precision: str = "fp32") -> float:
    """Compare a text tower's ``.onnx`` file with the model, which has to be in evaluation mode.

    Returns:
        The largest absolute difference that was seen.

    Raises:
        ParityError: It is above ``TOLERANCE[precision]``.
    """
    return _accept(_text_difference(model, Graph(graph)), graph, precision)


def check_vision_parity(model: TwoTower, size: tuple[int, int], graph: Path, precision: str = "fp32") -> float:
    """The same for an image tower's file; ``size`` is height and width of the pictures."""
    return _accept(_vision(model, size, Graph(graph)), graph, precision)


def significant(difference: float) -> float:
    """A difference to three significant digits, for the manifest."""
    return float(f"{difference:.3g}")


def _accept(found: float, graph: Path, precision: str) -> float:
    if not found <= TOLERANCE[precision]:
        raise ParityError(
            f"{graph.name}: vectors differ from PyTorch's by {found:.2g}, at most {TOLERANCE[precision]:.0e} is "
            "allowed; no bundle was written"
        )
    return found


def _text_difference(model: TwoTower, graph: Graph) -> float:
    random = torch.Generator().manual_seed(0)
    vocabulary = int(model.text_tower.bert.config.vocab_size)
    worst = 0.0
    for batch, length in _TEXT_SHAPES:
        ids = torch.randint(0, vocabulary, (batch, length), generator=random)
        lengths = torch.randint(1, length + 1, (batch, 1), generator=random)  # the rest is padding
        inputs = {"input_ids": ids, "attention_mask": (torch.arange(length)[None] < lengths).long()}
        with torch.inference_mode():
            worst = max(worst, _difference(model.embed_text(**inputs), graph, inputs))
    return worst


def _vision(model: TwoTower, size: tuple[int, int], graph: Graph) -> float:
    random = torch.Generator().manual_seed(0)
    worst = 0.0
    for batch in _VISION_BATCHES:
        pixels = torch.randn(batch, 3, *size, generator=random)
        with torch.inference_mode():
            worst = max(worst, _difference(model.embed_image(pixels), graph, {"pixel_values": pixels}))
    return worst


def _difference(expected: Tensor, graph: Graph, inputs: Mapping[str, Tensor]) -> float:
    found = graph.run({name: value.numpy() for name, value in inputs.items()})
    try:
        return float(np.abs(normalise(found) - normalise(expected.float().numpy())).max())
    except ValueError:  # a row without a direction
        return float("inf")
