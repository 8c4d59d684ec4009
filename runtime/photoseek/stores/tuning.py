"""Tunes the search effort of a store: its recall is measured against exact search on the same vectors."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

import numpy as np

from photoseek.gallery.filters import Filter
from photoseek.stores.base import Store
from photoseek.vector_index.tuning import NEIGHBORS, EngineStats, GroundTruth, Queries, tune_effort
from photoseek.vectors import Rows, Vectors

_log = logging.getLogger(__name__)

_FIRST_EFFORT = 32
_BLOCK = 4_096  # vectors scored at a time


class StoreEngine:
    """A store as an ``ApproximateIndex``, whose rows are photo ids."""

    def __init__(self, store: Store, effort: int) -> None:
        self.name = type(store).__name__
        self.max_effort = store.max_effort
        self._store = store
        self.effort = effort  # 0 without an index

    def search(self, query: Vectors, k: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """Return about ``k`` nearest photos, see ``Index.search``."""
        return self._store.search(query, k, min(self.effort, self.max_effort), where)


def tune_store(
    store: Store, vectors: Iterable[Vectors], queries: Queries, target: float, *, indexed: bool
) -> EngineStats:
    """Raise the effort until each kind of query reaches the target recall. A lower recall is logged.

    Args:
        store: A store with all rows.
        vectors: The vectors of all rows, each (dim,).
        queries: Sample queries.
        target: Target recall of the ten nearest neighbors.
        indexed: Whether the store has an index; otherwise all rows are scored.
    """
    started = time.monotonic()
    truth = ground_truth(vectors, queries)
    engine = StoreEngine(store, _FIRST_EFFORT if indexed else 0)
    measured = tune_effort(engine, truth, target) if indexed else truth.measure(engine)
    effort = min(engine.effort, engine.max_effort)
    seconds = round(time.monotonic() - started, 2)
    stats = EngineStats(measured.milliseconds, measured.recalls, {"effort": effort}, seconds)
    if stats.recall < target:
        _log.warning("%s: expected a recall of %s, reached %.4f at most", store.place, target, stats.recall)
    return stats


def ground_truth(vectors: Iterable[Vectors], queries: Queries) -> GroundTruth:
    """Return the results of exact search over vectors that may not fit into memory."""
    best = {kind: np.empty((len(vectors_of_kind), 0), dtype=np.float32) for kind, vectors_of_kind in queries.items()}
    count = 0
    for block in _blocks(vectors):
        count += len(block)
        for kind, vectors_of_kind in queries.items():
            scores = np.concatenate([best[kind], vectors_of_kind @ block.T], axis=1)
            best[kind] = np.partition(scores, max(0, scores.shape[1] - NEIGHBORS), axis=1)[:, -NEIGHBORS:]
    tenth = {kind: scores.min(axis=1).tolist() for kind, scores in best.items()}
    return GroundTruth(queries, tenth, min(NEIGHBORS, count))


def _blocks(vectors: Iterable[Vectors]) -> Iterable[Vectors]:
    block: list[Vectors] = []
    for vector in vectors:
        block.append(vector)
        if len(block) == _BLOCK:
            yield np.stack(block)
            block = []
    if block:
        yield np.stack(block)
