"""Exact search: every score computed. The truth that other engines are measured against."""

from __future__ import annotations

import numpy as np

from photoseek.errors import QueryError
from photoseek.vectors import Rows, Vectors, as_query_vector


class ExactIndex:
    """Scores every vector."""

    name = "exact"

    def __init__(self, vectors: Vectors, block: int = 65_536) -> None:
        """``block``: rows that are scored at once, so that their scores stay in a core's cache."""
        self._vectors = vectors
        self._block = block

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The k most similar vectors; see ``Index.search``.

        Raises:
            QueryError: k below 1, or a query that is no direction among the vectors.
        """
        if k < 1:
            raise QueryError(f"k must be a whole number of at least 1: {k!r}")
        query = as_query_vector(query, self._vectors.shape[1])
        k = min(k, len(self._vectors))
        rows, scores = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        for start in range(0, len(self._vectors), self._block):
            block = self._vectors[start : start + self._block] @ query
            found = _candidates(block, k, scores[-1] if len(scores) == k else -np.inf)
            rows, scores = np.concatenate([rows, start + found]), np.concatenate([scores, block[found]])
            order = np.argsort(-scores, kind="stable")[:k]  # of equal scores the lower row stands first already
            rows, scores = rows[order], scores[order]
        return rows, scores


def _candidates(scores: Vectors, k: int, floor: float) -> Rows:
    """The rows of a block, in order, that may be among the k best: above all found so far, with all that tie."""
    rows = np.flatnonzero(scores > floor)
    if len(rows) <= k:
        return rows
    kept = scores[rows]
    lowest = np.partition(kept, len(kept) - k)[len(kept) - k]
    return np.asarray(rows[kept >= lowest])
