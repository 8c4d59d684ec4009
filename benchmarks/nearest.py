"""Time of ``Searcher.nearest`` among 10,000 photos, and of the engine in it: the rest checks and reads the hits.

    python benchmarks/nearest.py

Both take turns in one process, query by query.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from contest import milliseconds, write
from search import draw
from synthetic_gallery import synthetic_gallery

from photoseek import Gallery, Searcher
from photoseek.vectors import Vectors

_COUNT, _NEIGHBORS, _ROUNDS = 10_000, 10, 5


def main() -> None:
    """Measure both."""
    queries = draw(1)[1]
    with Gallery.open(synthetic_gallery(_COUNT), trust=True) as gallery:
        searcher = Searcher(gallery, engine="exact")
        engine = searcher.snapshot.engine("exact")
        contestants: dict[str, Callable[[Vectors], object]] = {
            "engine": lambda query: engine.search(query, _NEIGHBORS),
            "Searcher.nearest": lambda query: searcher.nearest(query, _NEIGHBORS),
        }
        wall: dict[str, list[float]] = {name: [] for name in contestants}
        processor = dict.fromkeys(contestants, 0.0)
        for query in [*queries[:20], *queries] * _ROUNDS:
            for name, search in contestants.items():
                started, used = time.perf_counter(), time.process_time()
                search(query)
                processor[name] += time.process_time() - used
                wall[name].append(time.perf_counter() - started)
    rows: dict[str, Any] = {
        name: {**milliseconds(seconds), "processor_ms": round(1000 * processor[name] / len(seconds), 3)}
        for name, seconds in wall.items()
    }
    write("nearest", f"Ten nearest of {_COUNT:,} photos, exact search: the engine, and the whole query", rows, 1)


if __name__ == "__main__":
    main()
