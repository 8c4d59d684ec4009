"""Chance that gives the same answer for ever: a seeded stream of which only plain uniform numbers are used.

numpy promises the stream of a bit generator, not that of `Generator.choice` or `shuffle`; those are made
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class SeededRandom:
    """Draws from the stream of `(stream, seed)`; each use of seeds has a `stream` number of its own."""

    def __init__(self, stream: int, seed: int) -> None:
        self._random = np.random.default_rng((stream, seed)).random

    def between(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        return low + (high - low) * float(self._random())

    def bernoulli(self, probability: float) -> bool:
        """True with this probability."""
        return float(self._random()) < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as the others."""
        return options[int(self._random() * len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All the options in a random order."""
        keys = [float(self._random()) for _ in options]
        return [options[i] for i in sorted(range(len(options)), key=keys.__getitem__)]
