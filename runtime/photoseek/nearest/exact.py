"""Exact search: every score computed. The truth that other engines are measured against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photoseek.vectors import Vectors

Rows = npt.NDArray[np.int64]


class ExactSearch:
    """Scores every vector. May be shared between threads."""

    name = "exact"

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The k most similar vectors, best first, equal scores by row.

        Args:
            query: One unit vector, (dim,).
            k: At least 1; fewer are returned where there are fewer vectors.

        Returns:
            Rows and cosines, both (min(k, n),).
        """
        scores = self._vectors @ query
        k = min(k, len(scores))
        if k < len(scores):
            best = scores[np.argpartition(-scores, k - 1)[:k]].min()
            rows = np.flatnonzero(scores >= best)  # with all that tie for the last place
        else:
            rows = np.arange(len(scores))
        rows = rows[np.argsort(-scores[rows], kind="stable")][:k]
        return rows, scores[rows]
