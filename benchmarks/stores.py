"""Cost of stores compared to embedded engines: inserting, indexing, queries, disk and memory.

    python benchmarks/stores.py                # 100,000 vectors of 256 dimensions, about 15 minutes on two cores
    python benchmarks/stores.py "Milvus Lite"  # one of them

Vectors and queries are those of ``search.py``. Each contestant inserts and indexes in a separate process, and raises
its search effort until recall@10 reaches 0.99 on other queries of the same kind, as ``photoseek push`` and
``photoseek index`` do. Then one caller and four concurrent callers query it. Servers run with default settings on
this machine and share its cores with the callers; their memory is the sum over all their processes.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import servers
from contest import Contest, milliseconds
from quantised import IvfPq
from search import draw

from photoseek.gallery.snapshot.arrays import mmap_vectors, write_rows
from photoseek.stores.base import Store
from photoseek.stores.connect import open_store
from photoseek.stores.push import BATCH
from photoseek.stores.rows import StoreRow
from photoseek.stores.tuning import tune_store
from photoseek.vector_index import annoy, faiss
from photoseek.vector_index.annoy import AnnoyParameters, AnnoyTreeIndex
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.faiss import FaissHnswIndex, HnswParameters
from photoseek.vector_index.tuning import TREES, GroundTruth, tune_effort
from photoseek.vectors import Rows, Vectors

COUNT = 100_000
_NEIGHBORS, _TARGET, _CALLERS = 10, 0.99, 4

SearchFn = Callable[[Vectors], tuple[Rows, Vectors]]


def embedded(name: str) -> dict[str, Any]:
    """Measure an embedded engine over a memory-mapped file of vectors."""
    vectors, queries, others = draw(COUNT)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        before, started = _own_mb(), time.perf_counter()
        with (folder / "vectors").open("wb") as file, (folder / "ids").open("wb") as ids:
            write_rows(file, ids, enumerate(vectors), *vectors.shape)
        mapped = mmap_vectors(folder / "vectors", *vectors.shape)
        written = time.perf_counter() - started
        started = time.perf_counter()
        engine = _BUILT[name](mapped, folder / "index")
        built = time.perf_counter() - started
        if name != "exact":
            tune_effort(engine, GroundTruth.of(mapped, {"text": others}), _TARGET)
        asked = _measure(lambda query: engine.search(query, _NEIGHBORS), vectors, queries, others)
        disk = sum(each.stat().st_size for each in folder.iterdir()) / 1e6
        how = {"effort": getattr(engine, "effort", 0), "disk_MB": round(disk, 1)}
        return {**_filled(written, built), **asked, **how, "memory_MB": round(_own_mb() - before, 1)}


def _annoy(vectors: Vectors, file: Path) -> AnnoyTreeIndex:
    parameters = AnnoyParameters(TREES[0])
    annoy.build(vectors, file, parameters)
    return AnnoyTreeIndex(file, vectors, parameters)


def _hnsw(vectors: Vectors, file: Path) -> FaissHnswIndex:
    parameters = HnswParameters()
    faiss.build(vectors, file, parameters)
    return FaissHnswIndex(file, vectors, parameters)


_BUILT: dict[str, Callable[[Vectors, Path], Any]] = {
    "exact": lambda vectors, _: ExactIndex(vectors),
    "annoy": _annoy,
    "faiss-hnsw": _hnsw,
    "faiss-ivf-pq": IvfPq,
}


def stored(place: str) -> dict[str, Any]:
    """Measure a store, filled in batches as by ``photoseek push``."""
    vectors, queries, others = draw(COUNT)
    rows = [StoreRow.of(row, f"{row % 100}/{row}.jpg", 640, 480, "", vector) for row, vector in enumerate(vectors)]
    with ExitStack() as stack:
        server = None if place == "folder" else stack.enter_context(_SERVERS[place]())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = open_store(str(folder / "photos.db") if server is None else server.uri, "photos")
        store.prepare(vectors.shape[1])
        before, started = _own_mb(), time.perf_counter()
        for start in range(0, COUNT, BATCH):
            store.put(rows[start : start + BATCH])
        written = time.perf_counter() - started
        started = time.perf_counter()
        store.finalize(COUNT, indexed=True)
        built = time.perf_counter() - started
        effort = tune_store(store, vectors, {"text": others}, _TARGET, indexed=True).parameters["effort"]
        asked = _measure(lambda query: store.search(query, _NEIGHBORS, effort), vectors, queries, others)
        disk = servers.files_mb(folder) if server is None else server.disk_mb()
        memory = _own_mb() - before if server is None else server.memory_mb()
        changed = _changed(store, rows)
        store.close()
    how = {"effort": effort, "disk_MB": round(disk, 1), "memory_MB": round(memory, 1)}
    return {**_filled(written, built), **asked, **how, **changed}


_SERVERS = {"postgres": servers.postgres, "milvus": servers.milvus}


def _filled(written: float, built: float) -> dict[str, float]:
    return {
        "inserts/s": round(COUNT / written),
        "index_s": round(built, 2),
        "photos/s": round(COUNT / (written + built)),
    }


def _changed(store: Store, rows: list[StoreRow]) -> dict[str, float]:
    """Return the rows replaced and deleted per second in an indexed store."""
    started = time.perf_counter()
    store.put(rows[:BATCH])
    replaced = time.perf_counter() - started
    started = time.perf_counter()
    store.delete([row.id for row in rows[:BATCH]])
    return {"updates/s": round(BATCH / replaced), "deletes/s": round(BATCH / (time.perf_counter() - started))}


def _measure(run_query: SearchFn, vectors: Vectors, queries: Vectors, others: Vectors) -> dict[str, Any]:
    """Return recall and latencies of one caller, and the throughput of several."""
    for query in others:  # warms the page cache
        run_query(query)
    found, seconds = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(run_query(query)[0])
        seconds.append(time.perf_counter() - started)
    exact = ExactIndex(vectors)
    hits = 0
    for query, rows in zip(queries, found, strict=True):
        tenth = float(exact.search(query, _NEIGHBORS)[1][-1])
        hits += int((vectors[rows] @ query >= tenth - 1e-5).sum())
    times = milliseconds(seconds)
    together = _together(run_query, queries)
    return {
        "recall@10": round(hits / (_NEIGHBORS * len(queries)), 4),
        **times,
        f"{_CALLERS} callers, queries/s": together,
    }


def _together(run_query: SearchFn, queries: Vectors) -> float:
    """Return the queries per second of concurrent callers, each with all queries."""

    def caller() -> None:
        for query in queries:
            run_query(query)

    threads = [threading.Thread(target=caller) for _ in range(_CALLERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(_CALLERS * len(queries) / (time.perf_counter() - started), 1)


def _own_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


CONTEST = Contest(
    "stores",
    f"Stores and embedded engines: {COUNT:,} x 256",
    {
        "photoseek exact": partial(embedded, "exact"),
        "photoseek annoy": partial(embedded, "annoy"),
        "photoseek faiss-hnsw": partial(embedded, "faiss-hnsw"),
        "faiss IVF-PQ, rescored": partial(embedded, "faiss-ivf-pq"),
        "PostgreSQL, pgvector": partial(stored, "postgres"),
        "Milvus Lite": partial(stored, "folder"),
        "Milvus Lite, as a server": partial(stored, "milvus"),
    },
)

if __name__ == "__main__":
    CONTEST.main(sys.argv[1:], rounds=1)
