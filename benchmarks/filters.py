"""Time and memory of filtered search among a million photos.

    python benchmarks/filters.py

Every contestant opens the gallery in a separate process, and runs a query without a filter, so that the vectors are in
memory. ``first_ms`` is the time of the next query, the first one with the filter. Memory is the resident set of the
process, including mapped files, after the first query and after all of them. The numpy rows have all vectors and the
mask of the filter in memory. Creating the gallery takes some minutes, once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contest import Contest, milliseconds
from search import draw
from synthetic_gallery import synthetic_gallery

from photoseek import Gallery, Searcher
from photoseek.gallery.filters import Filter
from photoseek.vector_index.registry import Engine
from photoseek.vectors import Vectors

_COUNT, _NEIGHBORS = 1_000_000, 10
_MONTH = Filter(taken_from="2019-05", taken_to="2019-05")
_MOST = Filter(folder="most")


def _photoseek(engine: Engine, where: Filter | None) -> dict[str, Any]:
    with Gallery.open(synthetic_gallery(_COUNT), trust=True) as gallery:
        searcher, started = Searcher(gallery, engine=engine), time.perf_counter()
        columns = searcher.snapshot.columns
        opened = time.perf_counter() - started
        searcher.nearest(_queries()[-1], _NEIGHBORS)  # reads the vectors
        figures = _time(lambda query: searcher.nearest(query, _NEIGHBORS, where=where))
        share = columns.matching(where or Filter())(slice(None)).mean()
    return {"kept": round(float(share), 4), "open_ms": round(1000 * opened, 1), **figures}


def _numpy(where: Filter | None) -> dict[str, Any]:
    with Gallery.open(synthetic_gallery(_COUNT), trust=True) as gallery:
        snapshot = Searcher(gallery, engine="exact").snapshot
        vectors, mask = np.array(snapshot.vectors), snapshot.columns.matching(where or Filter())(slice(None))

    def search(query: Vectors) -> None:
        scores = np.where(mask, vectors @ query, -np.inf) if mask.mean() > 0.5 else vectors[mask] @ query
        best = np.argpartition(-scores, _NEIGHBORS)[:_NEIGHBORS]
        best[np.argsort(-scores[best])]

    return {"kept": round(float(mask.mean()), 4), **_time(search)}


def _time(search: Callable[[Vectors], object]) -> dict[str, Any]:
    before, seconds, processor = _megabytes(), [], time.process_time()
    for query in _queries():
        started = time.perf_counter()
        search(query)
        seconds.append(time.perf_counter() - started)
    used = (time.process_time() - processor) / len(seconds)
    return {
        "first_ms": round(1000 * seconds[0], 2),
        **milliseconds(seconds[1:]),
        "processor_ms": round(1000 * used, 2),
        "MB_before": before,
        "MB_after": _megabytes(),
    }


def _queries() -> Vectors:
    return draw(1)[1][:21]


def _megabytes() -> float:
    """Return the resident set size of this process."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / 1e6, 1)


_FILTERS = {"no filter": None, "a month": _MONTH, "90%": _MOST}
_ENGINES: dict[str, Callable[[Filter | None], dict[str, Any]]] = {
    "exact": partial(_photoseek, "exact"),
    "faiss-flat": partial(_photoseek, "faiss-flat"),
    "numpy": _numpy,
}
CONTEST = Contest(
    "filters",
    f"Ten nearest of {_COUNT:,} photos, filtered",
    {
        f"{engine}, {name}": partial(search, where)
        for engine, search in _ENGINES.items()
        for name, where in _FILTERS.items()
    },
)

if __name__ == "__main__":
    synthetic_gallery(_COUNT)
    CONTEST.main(sys.argv[1:], rounds=3)
