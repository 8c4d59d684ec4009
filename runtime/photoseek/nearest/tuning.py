"""Recall of approximate search, measured on the user's own vectors, and raised until it is enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from photoseek.nearest.annoy import AnnoyParameters, AnnoySearch
from photoseek.nearest.exact import ExactSearch, Rows
from photoseek.vectors import Vectors, normalise

TARGET_RECALL = 0.99
"""Share of the true ten best that approximate search must find."""

_SAMPLES = 200
_NEIGHBOURS = 10


class Search(Protocol):
    """What every engine can do; see :meth:`ExactSearch.search`."""

    name: str

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Rows and cosines of the k best, best first."""


def sample_queries(vectors: Vectors, seed: int = 0) -> Vectors:
    """Up to 200 queries like real ones: midpoints of two random vectors, so that none is in the gallery itself."""
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, len(vectors), size=(2, min(_SAMPLES, 4 * len(vectors))))
    middle = vectors[left] + vectors[right]
    opposite = np.einsum("ij,ij->i", middle, middle) < 1e-6  # of opposite vectors there is no midpoint
    middle[opposite] = vectors[left[opposite]]
    return normalise(middle)


def measure_recall(engine: Search, vectors: Vectors, queries: Vectors) -> float:
    """Share of the exact ten best that ``engine`` finds, averaged over the queries: recall@10."""
    exact = ExactSearch(vectors)
    k = min(_NEIGHBOURS, len(vectors))
    found = 0
    for query in queries:
        # by score: a vector that ties with the tenth is as good as the tenth
        worst = exact.search(query, k)[1][-1] - 1e-6
        found += int((engine.search(query, k)[1] >= worst).sum())
    return found / (k * len(queries))


def tune(
    path: Path, vectors: Vectors, parameters: AnnoyParameters, target: float = TARGET_RECALL
) -> tuple[AnnoyParameters, float]:
    """Double ``search_k`` until the recall on sampled queries reaches the target, or everything is looked at.

    Returns:
        The parameters and the recall@10 that was measured with them.
    """
    queries = sample_queries(vectors)
    while True:
        recall = measure_recall(AnnoySearch(path, vectors, parameters), vectors, queries)
        if recall >= target or parameters.search_k >= len(vectors) * parameters.trees:
            return parameters, recall
        parameters = replace(parameters, search_k=parameters.search_k * 2)
