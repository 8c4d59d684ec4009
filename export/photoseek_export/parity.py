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
from photoseek_train.model.two_tower import TwoTower

TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3, "int8": 0.2}
"""Maximum absolute difference between components of unit vectors, by precision.

The limit of int8 only detects broken graphs; its rounding error is evaluated by retrieval.
"""

_TEXT_SHAPES = ((1, 3), (5, 23), (3, 1))  # (batch, sequence): not the traced shape
_VISION_BATCHES = (1, 5)


def check_text_parity(model: TwoTower, graph: Path, precision: str = "fp32") -> float:
    """Compare a text tower's ``.onnx`` file with the model, which must be in evaluation mode.

    Returns:
        The maximum absolute difference.

    Raises:
        ParityError: It exceeds ``TOLERANCE[precision]``.
    """
    vocabulary = int(model.text_tower.bert.config.vocab_size)
    return check_parity(lambda inputs: model.embed_text(**inputs), random_texts(vocabulary), graph, precision)


def check_vision_parity(model: TwoTower, size: tuple[int, int], graph: Path, precision: str = "fp32") -> float:
    """Compare an image tower's file with the model; ``size`` is (height, width). See ``check_text_parity``."""
    return check_parity(lambda inputs: model.embed_image(**inputs), random_images(size), graph, precision)


def check_parity(
    embed: Callable[[Mapping[str, Tensor]], Tensor],
    inputs: Iterable[Mapping[str, Tensor]],
    graph: Path,
    precision: str = "fp32",
) -> float:
    """Compare a graph with its source on each of ``inputs``; returns and raises like ``check_text_parity``."""
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


def round_significant(difference: float) -> float:
    """Return a difference rounded to three significant digits, for the manifest."""
    return float(f"{difference:.3g}")


def assert_close(found: float, what: str, precision: str) -> float:
    """Return the difference after checking it.

    Raises:
        ParityError: It exceeds ``TOLERANCE[precision]``.
    """
    if not found <= TOLERANCE[precision]:
        raise ParityError(
            f"{what}: vectors differ from PyTorch's by {found:.2g}, at most {TOLERANCE[precision]:.0e} is "
            "allowed; no bundle was written"
        )
    return found


def _difference(expected: Tensor, graph: OnnxSession, inputs: Mapping[str, Tensor]) -> float:
    found = graph.run({name: value.numpy() for name, value in inputs.items()})
    try:
        return float(np.abs(normalize(found) - normalize(expected.float().numpy())).max())
    except ValueError:  # a zero vector
        return float("inf")
