"""The interface of all engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np

from photoseek.vectors import Mask, Rows, Vectors

Matches: TypeAlias = Callable[[Rows | slice], Mask]
"""Returns which of some rows match a filter."""


class Index(Protocol):
    """Finds the most similar of many unit vectors. May be shared between threads."""

    name: str

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors, the best first, equal scores by row.

        Args:
            query: One unit vector, (dim,).
            k: At least 1; fewer are returned if there are fewer vectors.

        Returns:
            Rows and cosines, both (min(k, n),).
        """


class ApproximateIndex(Index, Protocol):
    """Compares a query with some of the vectors; the higher its effort, the higher its recall."""

    effort: int
    """How much of the index one query visits, in the engine's own unit."""

    @property
    def max_effort(self) -> int:
        """The effort that visits the entire index."""


def rescore(rows: Rows, vectors: Vectors, query: Vectors, k: int) -> tuple[Rows, Vectors]:
    """Return the k best of some rows by their exact cosines, the best first, equal ones by row."""
    rows = np.sort(rows)
    scores = vectors[rows] @ query
    order = np.argsort(-scores, kind="stable")[:k]
    return rows[order], scores[order]
