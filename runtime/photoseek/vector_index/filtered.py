"""Search among the vectors that match a filter, with any engine.

A filter that keeps many vectors is applied to the results of the engine, which returns as many more as are needed. One
that keeps few, or those far from the query, is applied first, and the vectors that match are scored exactly. The
measured times of both decide.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from photoseek.vector_index.base import ApproximateIndex, Index, Matches
from photoseek.vector_index.exact import SCATTERED, ExactIndex
from photoseek.vector_index.tuning import NEIGHBORS, Tuning
from photoseek.vectors import Rows, Vectors

_SAMPLE = 1_000  # vectors from which the share that matches is estimated


@dataclass(frozen=True)
class FilteredIndex:
    """Searches some of the vectors of an engine.

    Attributes:
        engine: Any engine.
        vectors: Those that it searches.
        tuning: The measured times.
    """

    engine: Index
    vectors: Vectors
    tuning: Tuning

    def search(self, query: Vectors, k: int, matches: Matches) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors that match; see ``Index.search``.

        Those of an approximate engine are found with its measured recall: its effort grows as the number of results
        that it is asked for.
        """
        for wanted, effort in self._attempts(k, matches):
            rows, scores = _with_effort(self.engine, effort).search(query, wanted)
            met = matches(rows)
            if np.count_nonzero(met) >= k:
                return rows[met][:k], scores[met][:k]
        return ExactIndex(self.vectors).search(query, k, matches)

    def _attempts(self, k: int, matches: Matches) -> Iterator[tuple[int, float]]:
        """Yield numbers of results and multiples of effort to try, while that is faster than exact search."""
        count, measured = len(self.vectors), self.tuning.engines
        share = float(np.mean(matches(slice(0, count, max(1, count // _SAMPLE)))))
        if self.engine.name not in measured or self.engine.name == ExactIndex.name or not share:
            return
        exact_ms = measured[ExactIndex.name].milliseconds * min(1.0, SCATTERED * share)
        wanted, effort = _enough(k, share), 1 / share
        while wanted < count and measured[self.engine.name].milliseconds * wanted / NEIGHBORS < exact_ms:
            yield wanted, effort
            wanted, effort = 2 * wanted, 2 * effort


def _enough(k: int, share: float) -> int:
    """Return a number of vectors, k of which match in all but one case of fifty: two standard deviations more."""
    return math.ceil((k + 2 * math.sqrt(k * (1 - share)) + 1) / share)


def _with_effort(engine: Index, factor: float) -> Index:
    """Return an engine over the same index with a multiple of its effort."""
    if not hasattr(engine, "effort"):
        return engine
    other = copy.copy(cast("ApproximateIndex", engine))
    other.effort = min(other.max_effort, math.ceil(factor * other.effort))
    return other
