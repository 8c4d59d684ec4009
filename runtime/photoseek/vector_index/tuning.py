"""How neighbours are found in a gallery: measured on its own vectors when it is indexed, and not assumed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from photoseek.system.removal import remove_file
from photoseek.vector_index import annoy, faiss
from photoseek.vector_index.annoy import AnnoyParameters, AnnoyTreeIndex
from photoseek.vector_index.base import ApproximateIndex, Index
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.faiss import FaissFlatIndex, FaissHnswIndex, HnswParameters
from photoseek.vector_index.registry import ANNOY_FILE, ENGINES, FAISS_FILE, is_available
from photoseek.vectors import Vectors, normalize

TARGET_RECALL = 0.99
"""Share of the true ten best that approximate search must find."""

TREES = (25, 50, 100)
"""How many trees are tried, one after the other, until their answers come sooner than those of other engines."""

Queries: TypeAlias = Mapping[str, Vectors]
"""Unit vectors (n, dim) to measure with, by kind: ``text``, ``photo``."""

SAMPLES = 200
"""Queries of each kind, at most."""

NEIGHBORS = 10
"""How many of the best recall is counted over."""

_NEGLIGIBLE_MS = 0.5  # exact search that takes no longer is not worth an approximation


@dataclass(frozen=True)
class EngineStats:
    """What an engine was found to do; times are those of the machine that indexed.

    Attributes:
        milliseconds: Median time of a query.
        seconds: Time to build its index and to raise its effort.
        recalls: Recall@10 against exact search, by kind of query.
        parameters: What the engine is opened with.
    """

    milliseconds: float
    recalls: dict[str, float]
    parameters: dict[str, int]
    seconds: float = 0.0

    @property
    def recall(self) -> float:
        """That of the kind of query that fares worst."""
        return min(self.recalls.values())


@dataclass(frozen=True)
class Tuning:
    """What was measured when a gallery was indexed.

    Attributes:
        target: The recall that was asked for.
        engines: What each engine was found to do, by its name.
    """

    target: float
    engines: dict[str, EngineStats]

    @property
    def fastest(self) -> str:
        """The engine, of those installed, that answers soonest with the recall that was asked for."""
        exact = self.engines["exact"]
        if exact.milliseconds <= _NEGLIGIBLE_MS:
            return "exact"
        good = [name for name, found in self.engines.items() if found.recall >= self.target and is_available(name)]
        return min(good, key=lambda name: self.engines[name].milliseconds)

    @property
    def complete(self) -> bool:
        """Whether every engine that is installed now was measured."""
        return all(name in self.engines for name in ENGINES if is_available(name))

    def recall_of(self, engine: str) -> float:
        """The recall of what an engine, or ``auto``, answers."""
        return self.engines[self.fastest if engine == "auto" else engine].recall


def sample_queries(vectors: Vectors, texts: Vectors | None = None, seed: int = 0) -> Queries:
    """Up to 200 queries of each kind.

    Args:
        vectors: Of the gallery's photos, (n, dim). Some of them are the queries by ``photo``.
        texts: Of typical texts, (m, dim), and midpoints of two of them, which lie where texts lie: apart from photos.
            None: no queries by ``text``.
        seed: Of the choice.
    """
    rng = np.random.default_rng(seed)
    queries = {"photo": np.asarray(vectors[np.sort(rng.permutation(len(vectors))[:SAMPLES])])}
    if texts is not None:
        left, right = rng.integers(0, len(texts), size=(2, max(0, SAMPLES - len(texts))))
        middle = texts[left] + texts[right]
        opposite = np.einsum("ij,ij->i", middle, middle) < 1e-6  # of opposite vectors there is no midpoint
        middle[opposite] = texts[left[opposite]]
        queries["text"] = np.concatenate([texts, normalize(middle)])[:SAMPLES]
    return queries


def tune(
    folder: Path, vectors: Vectors, queries: Queries, target: float = TARGET_RECALL, give_up: float = 2.0
) -> Tuning:
    """Build the index of each installed engine into ``folder``, and raise its effort until it reaches the target.

    Each comes as near to the target as looking at everything does. More trees are tried while they are not the fastest
    and may become it: not once they take ``give_up`` times as long as the fastest engine.
    """
    truth = GroundTruth.of(vectors, queries)
    everything = dict.fromkeys(queries, 1.0)
    engines = {"exact": EngineStats(truth.milliseconds, everything, {})}
    if is_available("faiss-hnsw"):
        engines["faiss-hnsw"] = _tune_hnsw(folder / FAISS_FILE, vectors, truth, target)
        found = truth.measure(FaissFlatIndex.open(folder / FAISS_FILE, vectors))
        engines["faiss-flat"] = EngineStats(found.milliseconds, found.recalls, {})
    sooner = min(each.milliseconds for each in engines.values() if each.recall >= target)
    engines["annoy"] = _tune_annoy(folder / ANNOY_FILE, vectors, truth, target, sooner, give_up)
    return Tuning(target, engines)


def _tune_hnsw(path: Path, vectors: Vectors, truth: GroundTruth, target: float) -> EngineStats:
    started = time.monotonic()
    parameters = HnswParameters()
    faiss.build(vectors, path, parameters)
    engine = FaissHnswIndex(path, vectors, parameters)
    found = tune_effort(engine, truth, target)
    chosen = asdict(replace(parameters, ef_search=engine.effort))
    return EngineStats(found.milliseconds, found.recalls, chosen, _seconds_since(started))


def _tune_annoy(
    path: Path, vectors: Vectors, truth: GroundTruth, target: float, sooner: float, give_up: float
) -> EngineStats:
    """Grow more trees until they answer within ``sooner`` milliseconds, or are far from it; keep the best."""

    def grow(trees: int) -> tuple[Path, EngineStats]:
        started = time.monotonic()
        grown = path.with_name(f"{path.name}.{trees}")
        parameters = AnnoyParameters(trees)
        annoy.build(vectors, grown, parameters)
        engine = AnnoyTreeIndex(grown, vectors, parameters)
        found = tune_effort(engine, truth, target)
        chosen = asdict(replace(parameters, search_k=engine.effort))
        return grown, EngineStats(found.milliseconds, found.recalls, chosen, _seconds_since(started))

    def merit(found: EngineStats) -> tuple[float, float]:
        """The nearer to the target the better; of those that reach it, the sooner."""
        return min(found.recall, target), -found.milliseconds

    file, best = grow(TREES[0])
    file.replace(path)
    found = best
    for trees in TREES[1:]:
        if merit(best) >= (target, -sooner) or found.milliseconds > give_up * sooner:
            break
        file, found = grow(trees)
        if merit(found) > merit(best):
            file.replace(path)
            best = found
        else:
            remove_file(file)
    return best


def _seconds_since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def tune_effort(engine: ApproximateIndex, truth: GroundTruth, target: float) -> EffortMeasurement:
    """Look at twice as much until every kind of query reaches the target, then at a quarter less if that will do."""
    found = truth.measure(engine)
    while not found.reaches(target) and engine.effort < engine.most:
        engine.effort *= 2
        found = truth.measure(engine)
        if found.reaches(target):
            whole, engine.effort = engine.effort, engine.effort * 3 // 4
            less = truth.measure(engine)
            if less.reaches(target):
                return less
            engine.effort = whole
    return found


@dataclass(frozen=True)
class GroundTruth:
    """Queries with what exact search answers, and how long it takes.

    Attributes:
        queries: Those that are asked.
        kth_score: The lowest score among the ten best of each query, by kind.
        neighbours: How many are counted: ten, or as many as there are.
        milliseconds: Median time of exact search; 0 where it was not timed.
    """

    queries: Queries
    kth_score: dict[str, list[float]]
    neighbors: int
    milliseconds: float = 0.0

    @classmethod
    def of(cls, vectors: Vectors, queries: Queries) -> GroundTruth:
        """Ask exact search."""
        exact, k = ExactIndex(vectors), min(NEIGHBORS, len(vectors))
        exact.search(vectors[0], k)  # reads them from the disk
        kth_score: dict[str, list[float]] = {}
        taken = []
        for kind, asked in queries.items():
            kth_score[kind] = []
            for query in asked:
                started = time.perf_counter()
                _, scores = exact.search(query, k)
                taken.append(time.perf_counter() - started)
                kth_score[kind].append(float(scores[-1]))
        return cls(queries, kth_score, k, round(1000 * statistics.median(taken), 4))

    def measure(self, engine: Index) -> EffortMeasurement:
        """Ask every query."""
        shares: dict[str, list[float]] = {}
        taken = []
        for kind, asked in self.queries.items():
            shares[kind] = []
            for query, kth_score in zip(asked, self.kth_score[kind], strict=True):
                started = time.perf_counter()
                _, scores = engine.search(query, self.neighbors)
                taken.append(time.perf_counter() - started)
                found = int(
                    (scores >= kth_score - 1e-6).sum()
                )  # a vector that ties with the kth_score is as good as it
                shares[kind].append(found / self.neighbors)
        return EffortMeasurement(shares, round(1000 * statistics.median(taken), 4))


@dataclass(frozen=True)
class EffortMeasurement:
    """The share of its true best that each query found, by kind, and the median time in milliseconds."""

    shares: dict[str, list[float]]
    milliseconds: float

    @property
    def recalls(self) -> dict[str, float]:
        """The mean of each kind."""
        return {kind: round(float(np.mean(shares)), 6) for kind, shares in self.shares.items()}

    def reaches(self, target: float) -> bool:
        """Whether each kind does, a standard error of its mean to spare: other queries will come than these."""
        spare = {kind: float(np.std(shares)) / len(shares) ** 0.5 for kind, shares in self.shares.items()}
        return all(recall - spare[kind] >= target for kind, recall in self.recalls.items())
