"""Search among the vectors that match a filter, with any engine.

An exact scan skips vectors that do not match. If a filter keeps many, an approximate engine is faster: it returns as
many more results as are needed, and the filter is applied to these. The measured times of both decide.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import cast

import numpy as np

from photoseek.vector_index.base import ApproximateIndex, Index, Matches
from photoseek.vector_index.delta import DeltaIndex
from photoseek.vector_index.exact import SCATTERED, ExactIndex
from photoseek.vector_index.faiss import FaissFlatIndex, FaissHnswIndex
from photoseek.vector_index.tuning import NEIGHBORS, Tuning
from photoseek.vectors import Rows, VectorRows, Vectors

_SAMPLE = 1_000  # vectors from which the share that matches is estimated


def search_matching(
    engine: Index, vectors: VectorRows, tuning: Tuning, query: Vectors, k: int, matches: Matches
) -> tuple[Rows, Vectors]:
    """Return the k most similar vectors that match a filter; see ``Index.search``.

    Args:
        engine: The engine of a snapshot.
        vectors: The vectors that it searches.
        tuning: The measured times of engines for them.
        query: One unit vector, (dim,).
        k: At least 1.
        matches: The filter.
    """
    if isinstance(engine, DeltaIndex):
        base = FilteredIndex(engine.base, engine.vectors.base, tuning)
        return engine.merge(*base.search(query, k, engine.base_matches(matches)), query, k, matches)
    return FilteredIndex(engine, np.asarray(vectors), tuning).search(query, k, matches)


class FilteredIndex:
    """Searches some of the vectors of an engine."""

    def __init__(self, engine: Index, vectors: Vectors, tuning: Tuning) -> None:
        """Set an engine, the vectors that it searches, and the measured times of engines for them."""
        self._engine, self._count, self._tuning = engine, len(vectors), tuning
        self._scan = _scan_of(engine, vectors)

    def search(self, query: Vectors, k: int, matches: Matches) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors that match; see ``Index.search``.

        Those of an approximate engine are found with its measured recall: its effort grows with the number of results.
        """
        for wanted, effort in self._attempts(k, matches):
            rows, scores = _with_effort(self._engine, effort).search(query, wanted)
            met = matches(rows)
            if np.count_nonzero(met) >= k:
                return rows[met][:k], scores[met][:k]
        return self._scan.search(query, k, matches)

    def _attempts(self, k: int, matches: Matches) -> Iterator[tuple[int, float]]:
        """Yield numbers of results and multiples of effort to try, while that is faster than a scan."""
        count, measured = self._count, self._tuning.engines
        if not {self._engine.name, self._scan.name} <= set(measured) or not hasattr(self._engine, "effort"):
            return
        share = float(np.mean(matches(slice(0, count, max(1, count // _SAMPLE)))))
        if not share:
            return
        scan_ms = measured[self._scan.name].milliseconds * min(1.0, SCATTERED * share)
        wanted, effort = _enough(k, share), 1 / share
        while wanted < count and measured[self._engine.name].milliseconds * wanted / NEIGHBORS < scan_ms:
            yield wanted, effort
            wanted, effort = 2 * wanted, 2 * effort


def _scan_of(engine: Index, vectors: Vectors) -> ExactIndex | FaissFlatIndex:
    """Return an exact scan of the vectors that an engine has in memory anyway, if possible."""
    if isinstance(engine, FaissHnswIndex):
        return engine.flat
    return engine if isinstance(engine, FaissFlatIndex) else ExactIndex(vectors)


def _enough(k: int, share: float) -> int:
    """Return a number of vectors, k of which match in all but one case of fifty: two standard deviations more."""
    return math.ceil((k + 2 * math.sqrt(k * (1 - share)) + 1) / share)


def _with_effort(engine: Index, factor: float) -> Index:
    """Return an engine over the same index with a multiple of its effort."""
    other = copy.copy(cast("ApproximateIndex", engine))
    other.effort = min(other.max_effort, math.ceil(factor * other.effort))
    return other
