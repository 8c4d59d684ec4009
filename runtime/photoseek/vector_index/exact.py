"""Exact search: every score is computed. The recall of other engines is measured against it."""

from __future__ import annotations

import numpy as np

from photoseek.errors import QueryError
from photoseek.vector_index.base import Matches
from photoseek.vectors import Rows, Vectors, as_query_vector

SCATTERED = 2.5
"""Time to score a vector among others that are not, as a multiple of its time in a block of consecutive vectors."""

_COPIED = 2_048  # scattered vectors are copied; so many at once stay in a core's cache


class ExactIndex:
    """Scores every vector."""

    name = "exact"

    def __init__(self, vectors: Vectors, block: int = 65_536) -> None:
        """Set the vectors to search; ``block`` rows are scored at once, so that scores fit into a core's cache."""
        self._vectors = vectors
        self._block = block

    def search(self, query: Vectors, k: int, matches: Matches | None = None) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors, or the k most similar of those that match; see ``Index.search``.

        Raises:
            QueryError: k is below 1, or the query is not a vector of this dimension with a direction.
        """
        if k < 1:
            raise QueryError(f"k must be a whole number of at least 1: {k!r}")
        query = as_query_vector(query, self._vectors.shape[1])
        k = min(k, len(self._vectors))
        rows, scores = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        for start in range(0, len(self._vectors), self._block):
            block, selected = self._score(start, query, matches)
            found = _candidates(block, k, scores[-1] if len(scores) == k else -np.inf)
            block, found = block[found], start + (found if selected is None else selected[found])
            rows, scores = np.concatenate([rows, found]), np.concatenate([scores, block])
            order = np.argsort(-scores, kind="stable")[:k]  # equal scores are already in the order of rows
            rows, scores = rows[order], scores[order]
        return rows, scores

    def _score(self, start: int, query: Vectors, matches: Matches | None) -> tuple[Vectors, Rows | None]:
        """Return the scores of the vectors of a block that match, and their offsets in it; None: all of them."""
        block = self._vectors[start : start + self._block]
        if matches is None:
            return block @ query, None
        selected = np.flatnonzero(matches(slice(start, start + len(block))))
        if SCATTERED * len(selected) >= len(block):
            return (block @ query)[selected], selected
        parts = [block[selected[at : at + _COPIED]] @ query for at in range(0, len(selected), _COPIED)]
        return np.concatenate([np.empty(0, dtype=np.float32), *parts]), selected


def _candidates(scores: Vectors, k: int, min_score: float) -> Rows:
    """Return the rows of a block, in order, that may be among the k best, including all that tie with the last."""
    if min_score == -np.inf and len(scores) > k:
        return np.flatnonzero(scores >= _kth_best(scores, k))
    rows = np.flatnonzero(scores > min_score)
    return rows if len(rows) <= k else np.asarray(rows[scores[rows] >= _kth_best(scores[rows], k)])


def _kth_best(scores: Vectors, k: int) -> np.float32:
    return np.float32(np.partition(scores, len(scores) - k)[len(scores) - k])
