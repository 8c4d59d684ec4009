"""Time and recall of finding the ten nearest of N vectors of 256 dimensions.

    python benchmarks/search.py             # 31,783 vectors, Flickr30K's number of photos
    python benchmarks/search.py 1000000     # a million; use ``--engines`` to skip those that take long to build
    python benchmarks/search.py 10000 --growth   # only photoseek's engines, for the curve over sizes

Vectors are sampled around 2,000 centers of 64 latent dimensions; queries are offset from them, as texts are from
photos. ``--vectors FILE.npy --queries FILE.npy`` uses real ones. The search effort of approximate engines is raised
until recall@10 reaches 0.99. One thread runs one query at a time.
"""

from __future__ import annotations

import argparse
import atexit
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from contest import RESULTS, machine, milliseconds, write

from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.registry import ENGINES as _OWN_ENGINES
from photoseek.vector_index.registry import index_file, open_index
from photoseek.vector_index.tuning import Tuning, tune
from photoseek.vectors import Vectors, normalize

_DIM, _LATENT, _CENTRES, _QUERIES = 256, 64, 2_000, 200
_NEIGHBORS, _TARGET = 10, 0.99
_EF_CONSTRUCTION = 100  # of every graph

Found = npt.NDArray[np.int64]
SearchFn = Callable[[Vectors], Found]
"""Returns the rows of the ten nearest neighbors of a query, (dim,)."""

Engine = Callable[[Vectors, Vectors, Path], Iterator[tuple[SearchFn, dict[str, Any]]]]
"""Yields search functions of increasing effort, with their parameters, from vectors, tuning queries and a file."""


def main() -> None:
    """Measure all engines in turn in this process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=31_783)
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--vectors", type=Path, help="float32 rows of unit length, .npy")
    parser.add_argument("--queries", type=Path, help="the same, of queries")
    parser.add_argument("--growth", action="store_true", help="only photoseek's engines and numpy")
    options = parser.parse_args()
    vectors, queries, others = draw(options.count)
    if options.vectors:
        given = np.load(options.queries)[: 2 * _QUERIES]
        vectors, queries, others = np.load(options.vectors)[: options.count], given[::2], given[1::2]
    exact = ExactIndex(vectors)
    kth_score = [float(exact.search(query, _NEIGHBORS)[1][-1]) for query in queries]
    real = ", given vectors" if options.vectors else ""
    name = "search" if len(vectors) == 31_783 else f"search-{len(vectors)}"
    question = f"Ten nearest of {len(vectors):,} x {vectors.shape[1]}{real}"
    rows: dict[str, Any] = _kept(name) if options.growth or options.engines != list(ENGINES) else {}
    for engine in options.engines:
        if not options.growth or engine in _OWN:
            print(f"search: {engine}", file=sys.stderr, flush=True)
            rows[engine] = contend(ENGINES[engine], vectors, queries, others, kth_score)
            in_order = {known: rows[known] for known in ENGINES if known in rows}
            write(name, question, in_order, rounds=1, command=f"search.py {len(vectors)}")


def _kept(name: str) -> dict[str, Any]:
    """Return the figures of engines that are not measured again, and where, if that was another kind of machine."""
    file = RESULTS / f"{name}.json"
    if not file.exists():
        return {}
    report = json.loads(file.read_text("utf-8"))
    place, here = (
        f"{it['processor']}, int8 instructions {it['int8 instructions']}" for it in (report["machine"], machine())
    )
    note = {} if place == here else {"kept from": place}
    return {engine: {**note, **figures} for engine, figures in report["rows"].items()}


def draw(count: int, seed: int = 0) -> tuple[Vectors, Vectors, Vectors]:
    """Return vectors like photos, queries like texts, and other queries for tuning and warm-up."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(_LATENT, _DIM)).astype(np.float32)
    centres = rng.normal(size=(_CENTRES, _LATENT)).astype(np.float32)
    apart = 4 * rng.normal(size=_DIM).astype(np.float32)

    def around(number: int, spread: float) -> npt.NDArray[np.float32]:
        near = centres[rng.integers(_CENTRES, size=number)]
        return np.asarray((near + spread * rng.normal(size=near.shape).astype(np.float32)) @ mix, dtype=np.float32)

    vectors = np.concatenate([normalize(around(min(100_000, count - at), 0.8)) for at in range(0, count, 100_000)])
    queries, others = (normalize(around(_QUERIES, 0.9) + apart) for _ in range(2))
    return vectors, queries, others


def contend(
    engine: Engine, vectors: Vectors, queries: Vectors, others: Vectors, kth_score: list[float]
) -> dict[str, Any]:
    """Measure the first search function that reaches the target recall, or the last one."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for run_query, how in engine(vectors, others, Path(folder, "index")):
            print("search: built", file=sys.stderr, flush=True)
            for query in others:  # warms the page cache
                run_query(query)
            found, seconds = [], []
            for query in queries:
                started = time.perf_counter()
                found.append(run_query(query))
                seconds.append(time.perf_counter() - started)
            answers = zip(found, queries, kth_score, strict=True)
            hits = sum(int((vectors[rows] @ query >= worst - 1e-5).sum()) for rows, query, worst in answers)
            recall = hits / (_NEIGHBORS * len(queries))
            figures = {"recall@10": round(recall, 4), **milliseconds(seconds), **how}
            if recall >= _TARGET:
                break
    return figures


def _plain(vectors: Vectors, _: Vectors, __: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
    def run_query(query: Vectors) -> Found:
        scores = vectors @ query
        best = np.argpartition(-scores, _NEIGHBORS)[:_NEIGHBORS]
        return np.asarray(best[np.argsort(-scores[best])])

    yield run_query, {"count": len(vectors), "MB": round(vectors.nbytes / 1e6, 1)}


def _exact(vectors: Vectors, _: Vectors, __: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
    engine = ExactIndex(vectors)
    yield lambda query: engine.search(query, _NEIGHBORS)[0], {"MB": round(vectors.nbytes / 1e6, 1)}


@dataclass(frozen=True)
class _Ours:
    """An engine of photoseek, tuned as in a gallery, on other queries of the same kind as the timed ones."""

    name: str

    def __call__(self, vectors: Vectors, others: Vectors, _: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
        folder, tuning = _tuned(vectors, others)
        measured, file = tuning.engines[self.name], folder / (index_file(self.name) or "")
        engine = open_index(self.name, vectors, file, measured.parameters)
        how = {"build_s": measured.seconds, **measured.parameters, "MB": round(file.stat().st_size / 1e6, 1)}
        yield lambda query: engine.search(query, _NEIGHBORS)[0], how


_TUNED: list[tuple[Path, Tuning]] = []


def _tuned(vectors: Vectors, others: Vectors) -> tuple[Path, Tuning]:
    if not _TUNED:
        folder = Path(tempfile.mkdtemp(prefix="photoseek-search-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _TUNED.append((folder, tune(folder, vectors, {"text": others}, _TARGET, wanted=_OWN_ENGINES)))
    return _TUNED[0]


def _faiss_flat(vectors: Vectors, _: Vectors, __: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    yield lambda query: index.search(query[None], _NEIGHBORS)[1][0], {"MB": round(vectors.nbytes / 1e6, 1)}


def _faiss_hnsw(vectors: Vectors, _: Vectors, file: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _EF_CONSTRUCTION
    started = time.perf_counter()
    index.add(vectors)
    built = time.perf_counter() - started
    faiss.write_index(index, str(file))
    for ef in (16, 32, 64, 128, 256, 512):
        index.hnsw.efSearch = ef
        how = {"ef": ef, "build_s": round(built, 1), "MB": round(file.stat().st_size / 1e6, 1)}
        yield lambda query: index.search(query[None], _NEIGHBORS)[1][0], how


def _hnswlib(vectors: Vectors, _: Vectors, file: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
    import hnswlib

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=_EF_CONSTRUCTION, M=32)
    started = time.perf_counter()
    index.add_items(vectors)
    built = time.perf_counter() - started
    index.save_index(str(file))
    for ef in (16, 32, 64, 128, 256, 512):
        index.set_ef(ef)
        how = {"ef": ef, "build_s": round(built, 1), "MB": round(file.stat().st_size / 1e6, 1)}
        yield lambda query: index.knn_query(query, _NEIGHBORS, num_threads=1)[0][0].astype(np.int64), how


def _usearch(vectors: Vectors, _: Vectors, file: Path) -> Iterator[tuple[SearchFn, dict[str, Any]]]:
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=32, expansion_add=_EF_CONSTRUCTION)
    started = time.perf_counter()
    index.add(np.arange(len(vectors)), vectors)
    built = time.perf_counter() - started
    index.save(str(file))
    for ef in (16, 32, 64, 128, 256, 512):
        index.expansion_search = ef
        how = {"ef": ef, "build_s": round(built, 1), "MB": round(file.stat().st_size / 1e6, 1)}
        yield lambda query: index.search(query, _NEIGHBORS).keys.astype(np.int64), how


ENGINES: dict[str, Engine] = {
    "numpy, all scores": _plain,
    "photoseek exact": _exact,
    "photoseek faiss-flat": _Ours("faiss-flat"),
    "photoseek faiss-hnsw, tuned": _Ours("faiss-hnsw"),
    "photoseek annoy, tuned": _Ours("annoy"),
    "faiss flat": _faiss_flat,
    "faiss HNSW": _faiss_hnsw,
    "hnswlib": _hnswlib,
    "usearch": _usearch,
}

_OWN = (
    "numpy, all scores",
    "photoseek exact",
    *(name for name, engine in ENGINES.items() if isinstance(engine, _Ours)),
)

if __name__ == "__main__":
    main()
