"""How neighbours are found in a gallery: measured on its own vectors when it is indexed, and not assumed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np

from photoseek.nearest.annoy import AnnoyParameters, AnnoySearch, build
from photoseek.nearest.exact import ExactSearch, Rows
from photoseek.vectors import Vectors, normalise

TARGET_RECALL = 0.99
"""Share of the true ten best that approximate search must find."""

TREES = (25, 50, 100)
"""How many trees are tried, one after the other, until their answers come sooner than exact ones."""

Queries: TypeAlias = Mapping[str, Vectors]
"""Unit vectors (n, dim) to measure with, by kind: ``text``, ``photo``."""

_SAMPLES = 200
_NEIGHBOURS = 10
_FIRST_SEARCH_K = 500
_HOPELESS = 2.0  # times the time of exact search: more trees don't make up for that


class Search(Protocol):
    """What every engine can do; see :meth:`ExactSearch.search`."""

    name: str

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Rows and cosines of the k best, best first."""


@dataclass(frozen=True)
class Tuning:
    """What was measured when the trees were grown; times are those of this machine.

    Attributes:
        annoy: Parameters of the trees.
        recalls: Recall@10 against exact search, by kind of query.
        annoy_ms: Median time of a query with the trees, in milliseconds.
        exact_ms: The same with exact search.
        target: The recall that was asked for.
    """

    annoy: AnnoyParameters
    recalls: dict[str, float]
    annoy_ms: float
    exact_ms: float
    target: float

    @property
    def recall(self) -> float:
        """That of the kind of query that fares worst."""
        return min(self.recalls.values())

    def recall_of(self, engine: str) -> float:
        """The recall of what an engine, or ``auto``, answers."""
        return 1.0 if (self.fastest if engine == "auto" else engine) == "exact" else self.recall

    @property
    def fastest(self) -> Literal["annoy", "exact"]:
        """What answers soonest with the recall that was asked for."""
        return "annoy" if self.recall >= self.target and self.annoy_ms < self.exact_ms else "exact"


def sample_queries(vectors: Vectors, texts: Vectors | None = None, seed: int = 0) -> Queries:
    """Up to 200 queries of each kind.

    Args:
        vectors: Of the gallery's photos, (n, dim). Some of them are the queries by ``photo``.
        texts: Of typical texts, (m, dim), and midpoints of two of them, which lie where texts lie: apart from photos.
            None: no queries by ``text``.
        seed: Of the choice.
    """
    rng = np.random.default_rng(seed)
    queries = {"photo": np.asarray(vectors[np.sort(rng.permutation(len(vectors))[:_SAMPLES])])}
    if texts is not None:
        left, right = rng.integers(0, len(texts), size=(2, max(0, _SAMPLES - len(texts))))
        middle = texts[left] + texts[right]
        opposite = np.einsum("ij,ij->i", middle, middle) < 1e-6  # of opposite vectors there is no midpoint
        middle[opposite] = texts[left[opposite]]
        queries["text"] = np.concatenate([texts, normalise(middle)])[:_SAMPLES]
    return queries


def tune(path: Path, vectors: Vectors, queries: Queries, target: float = TARGET_RECALL) -> Tuning:
    """Grow trees into ``path`` that reach the target, or come as near as looking at everything does.

    With each number of trees ``search_k`` is doubled until every kind of query reaches the target. More trees are tried
    while exact search is faster; those that answer soonest are kept.
    """
    truth = _Truth.of(vectors, queries)

    def grow(trees: int) -> tuple[Path, Tuning]:
        grown = path.with_name(f"{path.name}.{trees}")
        build(vectors, grown, AnnoyParameters(trees))
        engine = AnnoySearch(grown, vectors, AnnoyParameters(trees, _FIRST_SEARCH_K))
        return grown, _raise_search_k(engine, truth, target)

    file, best = grow(TREES[0])
    file.replace(path)
    found = best
    for trees in TREES[1:]:
        if best.fastest == "annoy" or found.annoy_ms > _HOPELESS * truth.milliseconds:
            break
        file, found = grow(trees)
        if _merit(found) > _merit(best):
            file.replace(path)
            best = found
        else:
            file.unlink()
    return best


def _merit(tuning: Tuning) -> tuple[float, float]:
    """The nearer to the target the better; of those that reach it, the sooner."""
    return min(tuning.recall, tuning.target), -tuning.annoy_ms


@dataclass(frozen=True)
class _Truth:
    """Queries with what exact search answers, and how long it takes."""

    queries: Queries
    tenth: dict[str, list[float]]  # the lowest score among the ten best of each query
    neighbours: int
    milliseconds: float

    @classmethod
    def of(cls, vectors: Vectors, queries: Queries) -> _Truth:
        exact, k = ExactSearch(vectors), min(_NEIGHBOURS, len(vectors))
        exact.search(vectors[0], k)  # reads them from the disk
        tenth: dict[str, list[float]] = {}
        taken = []
        for kind, asked in queries.items():
            tenth[kind] = []
            for query in asked:
                started = time.perf_counter()
                _, scores = exact.search(query, k)
                taken.append(time.perf_counter() - started)
                tenth[kind].append(float(scores[-1]))
        return cls(queries, tenth, k, 1000 * statistics.median(taken))

    def measure(self, engine: Search) -> tuple[dict[str, float], float]:
        """Recall by kind of query, and the median time in milliseconds."""
        recalls, taken = {}, []
        for kind, asked in self.queries.items():
            found = 0
            for query, tenth in zip(asked, self.tenth[kind], strict=True):
                started = time.perf_counter()
                _, scores = engine.search(query, self.neighbours)
                taken.append(time.perf_counter() - started)
                found += int((scores >= tenth - 1e-6).sum())  # a vector that ties with the tenth is as good as it
            recalls[kind] = found / (self.neighbours * len(asked))
        return recalls, 1000 * statistics.median(taken)


def _raise_search_k(engine: AnnoySearch, truth: _Truth, target: float) -> Tuning:
    everything = engine.count * engine.parameters.trees
    while True:
        recalls, milliseconds = truth.measure(engine)
        if min(recalls.values()) >= target or engine.parameters.search_k >= everything:
            return Tuning(engine.parameters, recalls, round(milliseconds, 4), round(truth.milliseconds, 4), target)
        engine.parameters = replace(engine.parameters, search_k=engine.parameters.search_k * 2)
