"""Search with faiss: a graph of near neighbors (HNSW, Malkov and Yashunin 2018), and a scan of half-precision vectors.

Both read one file, the graph over vectors in float16, which is mapped into memory. Their candidates are scored again
exactly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photoseek.errors import GalleryDamaged, GalleryError
from photoseek.system.cpu import available_cores
from photoseek.vector_index.base import Matches, rescore
from photoseek.vectors import Rows, Vectors

if TYPE_CHECKING:
    import faiss

_BATCH = 20_000  # vectors added in one call, which Ctrl-C cannot interrupt
_EXTRA = 32  # vectors that the scan scores again, in addition to k
_ROUNDING = 2.0**-11 + 1e-4
"""Maximum error of a score of float16 vectors: the relative error of each number is at most 2^-11, so that of its
product with a unit query is at most 2^-11 (Cauchy-Schwarz); the rest is for sums in float32 and subnormal numbers."""


@dataclass(frozen=True)
class HnswParameters:
    """How the graph is built and searched; the names are those of the paper's M and ef.

    Attributes:
        links: Neighbors of each vector. More links give a higher recall and a larger file.
        ef_construction: Candidates for the neighbors of a new vector. More give a better graph and a slower build.
        ef_search: Candidates of one query. More give a higher recall and are slower.
    """

    links: int = 32
    ef_construction: int = 100
    ef_search: int = 16


def build(vectors: Vectors, path: Path, parameters: HnswParameters) -> None:
    """Build the graph of unit vectors (n, dim), on all available cores, and write it to ``path``.

    Threads insert in no fixed order, so the same vectors build a different file each time.

    Raises:
        GalleryError: It cannot be written.
    """
    import faiss

    half = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexHNSWSQ(vectors.shape[1], half, parameters.links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = parameters.ef_construction
    with _threads(available_cores()):
        for start in range(0, len(vectors), _BATCH):
            index.add(np.ascontiguousarray(vectors[start : start + _BATCH]))
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # a full disk
        raise GalleryError(f"{path}: cannot be written: {error}; free disk space, and try again") from error


class FaissFlatIndex:
    """Scans all vectors in float16, then rescores the best: as exact as ``ExactIndex``, and faster.

    The number of candidates grows until no other vector can be among the best, whatever its rounding errors.
    """

    name = "faiss-flat"

    def __init__(self, index: faiss.IndexHNSW, vectors: Vectors) -> None:
        import faiss

        self._owner = index
        self._codes = faiss.downcast_index(index.storage)
        self._vectors = vectors

    @classmethod
    def open(cls, path: Path, vectors: Vectors) -> FaissFlatIndex:
        """Map the file of ``vectors`` into memory.

        Raises:
            GalleryDamaged: It is not a graph of these vectors.
        """
        return cls(_open(path, vectors), vectors)

    def search(self, query: Vectors, k: int, matches: Matches | None = None) -> tuple[Rows, Vectors]:
        """Return the k most similar vectors, or the k most similar of those that match; see ``Index.search``."""
        import faiss

        count, options = len(self._vectors), None
        if matches is not None:
            selected = matches(slice(0, count))
            count = int(np.count_nonzero(selected))
            bits = faiss.IDSelectorBitmap(np.packbits(selected, bitorder="little"))
            options = faiss.SearchParameters(sel=bits)
        k = min(k, count)
        candidates = k + _EXTRA
        while True:
            candidates = min(candidates, count)
            if not candidates:
                return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
            with _threads(1):
                rounded, found = self._codes.search(query[None], candidates, params=options)
            rows, scores = rescore(found[0], self._vectors, query, k)
            if candidates == count or rounded[0, -1] + _ROUNDING < scores[-1]:
                return rows, scores
            candidates *= 4


class FaissHnswIndex:
    """Searches the graph; its effort is ``ef_search``.

    Attributes:
        flat: A scan of the same vectors.
    """

    name = "faiss-hnsw"

    def __init__(self, path: Path, vectors: Vectors, parameters: HnswParameters) -> None:
        """Map the graph of ``vectors`` into memory.

        Raises:
            GalleryDamaged: It is not a graph of these vectors.
        """
        self._index = _open(path, vectors)
        self.flat = FaissFlatIndex(self._index, vectors)
        self._vectors = vectors
        self.effort = min(parameters.ef_search, len(vectors))

    @property
    def max_effort(self) -> int:
        """Every vector."""
        return len(self._vectors)

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return about the k most similar vectors; see ``Index.search``."""
        import faiss

        k = min(k, len(self._vectors))
        depth = faiss.SearchParametersHNSW(efSearch=max(self.effort, k))
        with _threads(1):
            found = self._index.search(query[None], k, params=depth)[1][0]
        if found[-1] < 0:  # the search ended before it had visited k vectors
            return self.flat.search(query, k)
        return rescore(found, self._vectors, query, k)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Set the number of OpenMP threads that this thread starts: others would only wait during a single query."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _open(path: Path, vectors: Vectors) -> faiss.IndexHNSWSQ:
    """Map a graph of this many vectors of this dimension into memory; its SHA-256 was verified before."""
    import faiss

    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (RuntimeError, MemoryError) as error:  # its own checks, or a size beyond any memory
        raise GalleryDamaged(f"{path}: cannot be read as a graph: {error}") from error
    if not isinstance(index, faiss.IndexHNSWSQ):
        raise GalleryDamaged(f"{path}: expected a graph over scalars, found {type(index).__name__}")
    count, dim = vectors.shape
    if (index.ntotal, index.d) != (count, dim):
        found = f"{index.ntotal} of {index.d}"
        raise GalleryDamaged(f"{path}: expected {count} items of {dim} numbers, found {found}")
    return index


def _avoid_omp_after_fork() -> None:
    """Use one thread: OpenMP would wait forever for threads that do not exist after a fork."""
    if "faiss" in sys.modules:
        sys.modules["faiss"].omp_set_num_threads(1)


os.register_at_fork(after_in_child=_avoid_omp_after_fork)
