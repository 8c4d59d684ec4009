"""Selection of the engine for a gallery: indexing benchmarks engines on the gallery's own vectors.

Engines are built in the order of ``PROMISE``, until one reaches the target recall; none if exact search is fast enough.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection, Mapping
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
from photoseek.vector_index.registry import index_file, install_hint, is_available
from photoseek.vectors import Vectors, normalize

TARGET_RECALL = 0.99
"""Recall@10 that approximate search must reach."""

PROMISE = ("faiss-hnsw", "annoy")
"""Engines with an index of their own, the most promising first."""

TREES = (25, 50, 100)
"""Numbers of trees to try, in this order, until Annoy is faster than the other engines."""

Queries: TypeAlias = Mapping[str, Vectors]
"""Unit vectors (n, dim) of queries, by kind: ``text``, ``photo``."""

SAMPLES = 200
"""Maximum number of queries of each kind."""

FEW = 2_000
"""Up to this number of vectors, exact search is not measured against an index, and needs none."""

_FEW_SAMPLES = 20  # queries by photo that measure exact search

NEIGHBORS = 10
"""Neighbors over which recall is measured."""

NEGLIGIBLE_MS = 0.5
"""Exact search within this time needs no approximation."""


@dataclass(frozen=True)
class EngineStats:
    """The measurements of an engine on the machine that indexed the gallery.

    Attributes:
        milliseconds: Median time of a query.
        seconds: Time to build its index and to tune its effort.
        recalls: Recall@10 against exact search, by kind of query.
        parameters: The parameters to open the engine with.
    """

    milliseconds: float
    recalls: dict[str, float]
    parameters: dict[str, int]
    seconds: float = 0.0

    @property
    def recall(self) -> float:
        """The lowest recall of any kind of query."""
        return min(self.recalls.values())


@dataclass(frozen=True)
class Tuning:
    """The measurements of all engines when a gallery was indexed.

    Attributes:
        target: The target recall.
        engines: By name.
    """

    target: float
    engines: dict[str, EngineStats]

    @property
    def fastest(self) -> str:
        """The fastest installed engine that reaches the target recall."""
        return next(filter(is_available, self._by_speed()))

    @property
    def uninstalled(self) -> str | None:
        """The fastest engine, if it is not installed and search therefore is exact."""
        fastest = self._by_speed()[0]
        return fastest if self.fastest == "exact" != fastest else None

    def hint(self, count: int) -> str | None:
        """Return which package makes search faster than exact search of ``count`` vectors; None if none does."""
        if (name := self.uninstalled) is not None:
            return f"search is exact, because the index of engine {name} needs {install_hint(name)}"
        if self._is_exact_enough(count) or any(map(is_available, PROMISE)):
            return None
        milliseconds = self.engines["exact"].milliseconds
        return f"exact search takes {milliseconds:.1f} ms; a faster engine needs {install_hint(PROMISE[0])}"

    def is_complete(self, count: int, wanted: Collection[str] = ()) -> bool:
        """Return whether no further engine has to be built.

        Args:
            count: Number of vectors.
            wanted: Engines that must have been built if they are installed.
        """
        if any(name not in self.engines for name in wanted if is_available(name)):
            return False
        first = next(filter(is_available, PROMISE), None)
        return self._is_exact_enough(count) or first is None or first in self.engines

    def recall_of(self, engine: str) -> float:
        """Return the recall of an engine, or of ``auto``."""
        return self.engines[self.fastest if engine == "auto" else engine].recall

    def _by_speed(self) -> list[str]:
        """Return the engines that reach the target recall, the fastest first, installed or not."""
        if self.engines["exact"].milliseconds <= NEGLIGIBLE_MS:
            return ["exact"]
        good = [name for name, found in self.engines.items() if found.recall >= self.target]
        return sorted(good, key=lambda name: self.engines[name].milliseconds)

    def _is_exact_enough(self, count: int) -> bool:
        return count <= FEW or self.engines["exact"].milliseconds <= NEGLIGIBLE_MS


def sample_queries(vectors: Vectors, texts: Vectors | None = None, seed: int = 0, count: int = SAMPLES) -> Queries:
    """Return up to ``count`` queries of each kind.

    Args:
        vectors: Vectors of the gallery's photos, (n, dim); the ``photo`` queries are a sample of them.
        texts: Vectors of typical texts, (m, dim); the ``text`` queries are these and midpoints of two, since texts and
            photos are in different regions of the space. None: no ``text`` queries.
        seed: Seed of the sample.
        count: Maximum number of queries of each kind.
    """
    rng = np.random.default_rng(seed)
    queries = {"photo": np.asarray(vectors[np.sort(rng.permutation(len(vectors))[:count])])}
    if texts is not None:
        left, right = rng.integers(0, len(texts), size=(2, max(0, count - len(texts))))
        sums = texts[left] + texts[right]
        opposite = np.einsum("ij,ij->i", sums, sums) < 1e-6  # opposite vectors have no midpoint
        sums[opposite] = texts[left[opposite]]
        queries["text"] = np.concatenate([texts, normalize(sums)])[:count]
    return queries


def tune_exact(vectors: Vectors, target: float = TARGET_RECALL) -> Tuning:
    """Measure exact search only, on a few of the vectors."""
    queries = sample_queries(vectors, count=_FEW_SAMPLES)
    return Tuning(target, {"exact": _exact_stats(GroundTruth.of(vectors, queries))})


def tune(
    folder: Path,
    vectors: Vectors,
    queries: Queries,
    target: float = TARGET_RECALL,
    give_up: float = 2.0,
    wanted: Collection[str] = (),
) -> Tuning:
    """Build the indexes of engines into ``folder``, and tune their effort to the target recall.

    Installed engines are built in the order of ``PROMISE``, until one reaches the target; then only ``wanted`` ones.
    An engine that misses the target has its maximum effort. More trees are tried until Annoy is the fastest engine, or
    takes over ``give_up`` times as long as the fastest.
    """
    truth = GroundTruth.of(vectors, queries)
    engines = {"exact": _exact_stats(truth)}
    for name in filter(is_available, PROMISE):
        file = index_file(name) or ""
        if _is_found(engines, target) and not any(index_file(each) == file for each in wanted):
            continue
        if name == "annoy":
            fastest_ms = min(each.milliseconds for each in engines.values() if each.recall >= target)
            engines[name] = _tune_annoy(folder / file, vectors, truth, target, fastest_ms, give_up)
        else:
            engines[name] = _tune_hnsw(folder / file, vectors, truth, target)
            found = truth.measure(FaissFlatIndex.open(folder / file, vectors))
            engines["faiss-flat"] = EngineStats(found.milliseconds, found.recalls, {})
    return Tuning(target, engines)


def _is_found(engines: Mapping[str, EngineStats], target: float) -> bool:
    """Return whether an approximate engine has reached the target."""
    return any(engines[name].recall >= target for name in PROMISE if name in engines)


def _exact_stats(truth: GroundTruth) -> EngineStats:
    return EngineStats(truth.milliseconds, dict.fromkeys(truth.queries, 1.0), {})


def _tune_hnsw(path: Path, vectors: Vectors, truth: GroundTruth, target: float) -> EngineStats:
    started = time.monotonic()
    parameters = HnswParameters()
    faiss.build(vectors, path, parameters)
    engine = FaissHnswIndex(path, vectors, parameters)
    found = tune_effort(engine, truth, target)
    tuned = asdict(replace(parameters, ef_search=engine.effort))
    return EngineStats(found.milliseconds, found.recalls, tuned, _seconds_since(started))


def _tune_annoy(
    path: Path, vectors: Vectors, truth: GroundTruth, target: float, fastest_ms: float, give_up: float
) -> EngineStats:
    """Build more trees until a query takes at most ``fastest_ms``, or far longer; keep the best."""

    def build(trees: int) -> tuple[Path, EngineStats]:
        started = time.monotonic()
        file = path.with_name(f"{path.name}.{trees}")
        parameters = AnnoyParameters(trees)
        annoy.build(vectors, file, parameters)
        engine = AnnoyTreeIndex(file, vectors, parameters)
        found = tune_effort(engine, truth, target)
        tuned = asdict(replace(parameters, search_k=engine.effort))
        return file, EngineStats(found.milliseconds, found.recalls, tuned, _seconds_since(started))

    def rank(found: EngineStats) -> tuple[float, float]:
        """Sort key: recall up to the target, then speed."""
        return min(found.recall, target), -found.milliseconds

    file, best = build(TREES[0])
    file.replace(path)
    found = best
    for trees in TREES[1:]:
        if rank(best) >= (target, -fastest_ms) or found.milliseconds > give_up * fastest_ms:
            break
        file, found = build(trees)
        if rank(found) > rank(best):
            file.replace(path)
            best = found
        else:
            remove_file(file)
    return best


def _seconds_since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def tune_effort(engine: ApproximateIndex, truth: GroundTruth, target: float) -> EffortMeasurement:
    """Double the effort until every kind of query reaches the target, then use three quarters of it if sufficient."""
    found = truth.measure(engine)
    while not found.reaches(target) and engine.effort < engine.max_effort:
        engine.effort *= 2
        found = truth.measure(engine)
        if found.reaches(target):
            effort, engine.effort = engine.effort, engine.effort * 3 // 4
            less = truth.measure(engine)
            if less.reaches(target):
                return less
            engine.effort = effort
    return found


@dataclass(frozen=True)
class GroundTruth:
    """Queries with the results of exact search.

    Attributes:
        queries: By kind.
        kth_score: The lowest score among the best neighbors of each query, by kind.
        neighbors: Ten, or as many as there are vectors.
        milliseconds: Median time of exact search; 0 if it was not measured.
    """

    queries: Queries
    kth_score: dict[str, list[float]]
    neighbors: int
    milliseconds: float = 0.0

    @classmethod
    def of(cls, vectors: Vectors, queries: Queries) -> GroundTruth:
        """Measure exact search."""
        exact, k = ExactIndex(vectors), min(NEIGHBORS, len(vectors))
        exact.search(vectors[0], k)  # reads the vectors from disk
        kth_score: dict[str, list[float]] = {}
        times = []
        for kind, vectors_of_kind in queries.items():
            kth_score[kind] = []
            for query in vectors_of_kind:
                started = time.perf_counter()
                _, scores = exact.search(query, k)
                times.append(time.perf_counter() - started)
                kth_score[kind].append(float(scores[-1]))
        return cls(queries, kth_score, k, round(1000 * statistics.median(times), 4))

    def measure(self, engine: Index) -> EffortMeasurement:
        """Measure an engine on every query."""
        recalls: dict[str, list[float]] = {}
        times = []
        for kind, vectors in self.queries.items():
            recalls[kind] = []
            for query, kth_score in zip(vectors, self.kth_score[kind], strict=True):
                started = time.perf_counter()
                _, scores = engine.search(query, self.neighbors)
                times.append(time.perf_counter() - started)
                found = int((scores >= kth_score - 1e-6).sum())  # a vector that ties with the k-th counts
                recalls[kind].append(found / self.neighbors)
        return EffortMeasurement(recalls, round(1000 * statistics.median(times), 4))


@dataclass(frozen=True)
class EffortMeasurement:
    """The recall of each query, by kind, and the median time in milliseconds."""

    recall_of_query: dict[str, list[float]]
    milliseconds: float

    @property
    def recalls(self) -> dict[str, float]:
        """The mean recall of each kind."""
        return {kind: round(float(np.mean(values)), 6) for kind, values in self.recall_of_query.items()}

    def reaches(self, target: float) -> bool:
        """Return whether each kind reaches the target by one standard error, since later queries differ from these."""
        margin = {kind: float(np.std(values)) / len(values) ** 0.5 for kind, values in self.recall_of_query.items()}
        return all(recall - margin[kind] >= target for kind, recall in self.recalls.items())
