"""A reproducible random source: a seeded stream that uses only uniform numbers.

numpy guarantees the stream of a bit generator, but not the results of `Generator.choice` or `shuffle`; these are
implemented here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class SeededRandom:
    """The random stream of `(stream, seed)`; each purpose uses another `stream` number."""

    def __init__(self, stream: int, seed: int) -> None:
        self._random = np.random.default_rng((stream, seed)).random

    def between(self, low: float, high: float) -> float:
        """Return a uniform number between `low` and `high`."""
        return low + (high - low) * float(self._random())

    def bernoulli(self, probability: float) -> bool:
        """Return True with this probability."""
        return float(self._random()) < probability

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, chosen uniformly."""
        return options[int(self._random() * len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """Return the options in random order."""
        keys = [float(self._random()) for _ in options]
        return [options[i] for i in sorted(range(len(options)), key=keys.__getitem__)]
