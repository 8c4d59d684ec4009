"""Exact search: every score is computed. The recall of other engines is measured against it."""

from __future__ import annotations

import numpy as np

from photoseek.errors import QueryError
from photoseek.vectors import Rows, Vectors, as_query_vector


class ExactIndex:
    """Scores every vector."""

    name = "exact"

    def __init__(self, vectors: Vectors, block: int = 65_536) -> None:
        """Set the vectors to search; ``block`` rows are scored at once, so that scores fit into a core's cache."""
        self._vectors = vectors
        self._block = block

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors; see ``Index.search``.

        Raises:
            QueryError: k is below 1, or the query is not a vector of this dimension with a direction.
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
            order = np.argsort(-scores, kind="stable")[:k]  # equal scores are already in the order of rows
            rows, scores = rows[order], scores[order]
        return rows, scores


def _candidates(scores: Vectors, k: int, min_score: float) -> Rows:
    """Return the rows of a block, in order, that may be among the k best, including all that tie with the last."""
    rows = np.flatnonzero(scores > min_score)
    if len(rows) <= k:
        return rows
    candidates = scores[rows]
    kth_score = np.partition(candidates, len(rows) - k)[len(rows) - k]
    return np.asarray(rows[candidates >= kth_score])
