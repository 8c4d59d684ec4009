"""What every way to find neighbours can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from photoseek.vectors import Rows, Vectors


class Index(Protocol):
    """Finds the most similar of many unit vectors. May be shared between threads."""

    name: str

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The k most similar vectors, best first, equal scores by row.

        Args:
            query: One unit vector, (dim,).
            k: At least 1; fewer are returned where there are fewer vectors.

        Returns:
            Rows and cosines, both (min(k, n),).
        """


class ApproximateIndex(Index, Protocol):
    """Looks at some of the vectors, and may miss some of the best; the more it looks at, the fewer."""

    effort: int
    """How much one query looks at, in the engine's own unit."""

    @property
    def most(self) -> int:
        """The effort that looks at everything."""


def rescore(rows: Rows, vectors: Vectors, query: Vectors, k: int) -> tuple[Rows, Vectors]:
    """The k best of some rows by their exact cosines, best first, equal ones by row."""
    rows = np.sort(rows)
    scores = vectors[rows] @ query
    order = np.argsort(-scores, kind="stable")[:k]
    return rows[order], scores[order]
