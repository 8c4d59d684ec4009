"""How much of an index a store's queries have to look at: measured against exact search on the same vectors."""

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
_BLOCK = 4_096  # vectors scored at once


class StoreEngine:
    """A store as an engine with an effort that can be raised; what it calls rows are ids of photos."""

    def __init__(self, store: Store, effort: int) -> None:
        self.name = type(store).__name__
        self.max_effort = store.most_effort
        self._store = store
        self.effort = effort  # 0: there is no index

    def search(self, query: Vectors, k: int, where: Filter | None = None) -> tuple[Rows, Vectors]:
        """As ``Index.search``."""
        return self._store.search(query, k, min(self.effort, self.max_effort), where)


def tune_store(
    store: Store, vectors: Iterable[Vectors], queries: Queries, target: float, *, indexed: bool
) -> EngineStats:
    """Raise the effort until each kind of query reaches the target; a recall that stays below it is logged.

    Args:
        store: With all its rows.
        vectors: The same, one by one, each (dim,).
        queries: What to ask.
        target: Share of the true ten best that have to be found.
        indexed: Whether the store has an index: else all rows are scored.
    """
    started = time.monotonic()
    truth = ground_truth(vectors, queries)
    engine = StoreEngine(store, _FIRST_EFFORT if indexed else 0)
    found = tune_effort(engine, truth, target) if indexed else truth.measure(engine)
    effort = min(engine.effort, engine.max_effort)
    seconds = round(time.monotonic() - started, 2)
    measured = EngineStats(found.milliseconds, found.recalls, {"effort": effort}, seconds)
    if measured.recall < target:
        _log.warning("%s: expected a recall of %s, reached %.4f at most", store.place, target, measured.recall)
    return measured


def ground_truth(vectors: Iterable[Vectors], queries: Queries) -> GroundTruth:
    """What exact search answers over vectors that need not fit into memory."""
    best = {kind: np.empty((len(asked), 0), dtype=np.float32) for kind, asked in queries.items()}
    count = 0
    for block in _blocks(vectors):
        count += len(block)
        for kind, asked in queries.items():
            scores = np.concatenate([best[kind], asked @ block.T], axis=1)
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
