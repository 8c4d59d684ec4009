"""A graph counts only when its vectors are PyTorch's, at another batch size and length than it was traced with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photoseek.bundle.onnx_session import Graph
from photoseek.vectors import normalise
from photoseek_export.errors import ParityError
from photoseek_train.model.two_tower import TwoTower

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
    vocabulary = int(model.text_tower.bert.config.vocab_size)
    return check_parity(lambda inputs: model.embed_text(**inputs), random_texts(vocabulary), graph, precision)


def check_vision_parity(model: TwoTower, size: tuple[int, int], graph: Path, precision: str = "fp32") -> float:
    """The same for an image tower's file; ``size`` is height and width of the pictures."""
    return check_parity(lambda inputs: model.embed_image(**inputs), random_images(size), graph, precision)


def check_parity(
    embed: Callable[[Mapping[str, Tensor]], Tensor],
    inputs: Iterable[Mapping[str, Tensor]],
    graph: Path,
    precision: str = "fp32",
) -> float:
    """Compare a graph with what it was made from, on each of ``inputs``; returns and raises as the others."""
    session, worst = Graph(graph), 0.0
    for each in inputs:
        with torch.inference_mode():
            worst = max(worst, _difference(embed(each), session, each))
    return assert_close(worst, graph.name, precision)


def random_texts(vocabulary: int, longest: int | None = None, end: int | None = None) -> Iterator[dict[str, Tensor]]:
    """Tokens with a mask, of several batches and lengths; the last that is not masked is ``end``, if that is given."""
    random = torch.Generator().manual_seed(0)
    for batch, length in _TEXT_SHAPES:
        length = min(length, longest or length)
        ids = torch.randint(0, vocabulary, (batch, length), generator=random)
        lengths = torch.randint(1, length + 1, (batch, 1), generator=random)  # the rest is padding
        if end is not None:
            ids.scatter_(1, lengths - 1, end)
        yield {"input_ids": ids, "attention_mask": (torch.arange(length)[None] < lengths).long()}


def random_images(size: tuple[int, int]) -> Iterator[dict[str, Tensor]]:
    """Noise of several batches; ``size`` is height and width."""
    random = torch.Generator().manual_seed(0)
    for batch in _VISION_BATCHES:
        yield {"pixel_values": torch.randn(batch, 3, *size, generator=random)}


def round_significant(difference: float) -> float:
    """A difference to three significant digits, for the manifest."""
    return float(f"{difference:.3g}")


def assert_close(found: float, what: str, precision: str) -> float:
    """Accept a difference, and hand it back.

    Raises:
        ParityError: It is above ``TOLERANCE[precision]``.
    """
    if not found <= TOLERANCE[precision]:
        raise ParityError(
            f"{what}: vectors differ from PyTorch's by {found:.2g}, at most {TOLERANCE[precision]:.0e} is "
            "allowed; no bundle was written"
        )
    return found


def _difference(expected: Tensor, graph: Graph, inputs: Mapping[str, Tensor]) -> float:
    found = graph.run({name: value.numpy() for name, value in inputs.items()})
    try:
        return float(np.abs(normalise(found) - normalise(expected.float().numpy())).max())
    except ValueError:  # a row without a direction
        return float("inf")
