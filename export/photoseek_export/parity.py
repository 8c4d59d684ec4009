"""Comparison of graphs with PyTorch, at other batch sizes and lengths than the traced ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photoseek.bundle.onnx_session import OnnxSession
from photoseek.vectors import normalize
from photoseek_export.errors import ParityError

TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3, "int8": 0.2}
"""Maximum absolute difference between components of unit vectors, by precision.

The limit of int8 only detects broken graphs; its rounding error is evaluated by retrieval.
"""

_TEXT_SHAPES = ((1, 3), (5, 23), (3, 1))  # (batch, sequence): not the traced shape
_VISION_BATCHES = (1, 5)


def check_parity(
    embed: Callable[[Mapping[str, Tensor]], Tensor],
    inputs: Iterable[Mapping[str, Tensor]],
    graph: Path,
    precision: str = "fp32",
) -> float:
    """Compare a graph with its source in PyTorch.

    Args:
        embed: The source, in evaluation mode.
        inputs: Inputs by name, of several shapes.
        graph: The ``.onnx`` file.
        precision: Its precision.

    Returns:
        The maximum absolute difference between unit vectors.

    Raises:
        ParityError: It exceeds ``TOLERANCE[precision]``.
    """
    session, worst = OnnxSession(graph), 0.0
    for each in inputs:
        with torch.inference_mode():
            worst = max(worst, _difference(embed(each), session, each))
    return assert_close(worst, graph.name, precision)


def random_texts(vocabulary: int, longest: int | None = None, end: int | None = None) -> Iterator[dict[str, Tensor]]:
    """Yield tokens with a mask, of several shapes; ``end``, if given, is the last unmasked token."""
    random = torch.Generator().manual_seed(0)
    for batch, length in _TEXT_SHAPES:
        length = min(length, longest or length)
        ids = torch.randint(0, vocabulary, (batch, length), generator=random)
        lengths = torch.randint(1, length + 1, (batch, 1), generator=random)  # the rest is padding
        if end is not None:
            ids.scatter_(1, lengths - 1, end)
        yield {"input_ids": ids, "attention_mask": (torch.arange(length)[None] < lengths).long()}


def random_images(size: tuple[int, int]) -> Iterator[dict[str, Tensor]]:
    """Yield noise in several batch sizes; ``size`` is (height, width)."""
    random = torch.Generator().manual_seed(0)
    for batch in _VISION_BATCHES:
        yield {"pixel_values": torch.randn(batch, 3, *size, generator=random)}


def assert_close(found: float, what: str, precision: str) -> float:
    """Check a difference; return it rounded to three significant digits, for the manifest.

    Raises:
        ParityError: It exceeds ``TOLERANCE[precision]``.
    """
    if not found <= TOLERANCE[precision]:
        raise ParityError(
            f"{what}: vectors differ from PyTorch's by {found:.2g}, at most {TOLERANCE[precision]:.0e} is "
            "allowed; no bundle was written"
        )
    return float(f"{found:.3g}")


def _difference(expected: Tensor, graph: OnnxSession, inputs: Mapping[str, Tensor]) -> float:
    found = graph.run({name: value.numpy() for name, value in inputs.items()})
    try:
        return float(np.abs(normalize(found) - normalize(expected.float().numpy())).max())
    except ValueError:  # a zero vector
        return float("inf")
