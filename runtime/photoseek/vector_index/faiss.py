"""Search with faiss: a graph of near neighbours (HNSW, Malkov and Yashunin 2018), and a scan of half-precision vectors.

Both read one file, the graph over vectors in float16, which is mapped into memory. What they find is scored again
exactly.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photoseek.errors import GalleryDamaged, GalleryError
from photoseek.system.cpu import available_cores
from photoseek.vector_index.base import rescore
from photoseek.vectors import Rows, Vectors

if TYPE_CHECKING:
    import faiss

_AT_ONCE = 20_000  # vectors added in one call, which Ctrl-C waits for
_SPARE = 32  # vectors that the scan scores again beyond those asked for
_ROUNDING = 2.0**-11 + 1e-4
"""How far a score of float16 vectors lies from the exact one: each number is off by at most 2^-11 of itself, so its
products with a unit query by 2^-11 in all (Cauchy-Schwarz); the rest is for sums in float32 and tiny numbers."""


@dataclass(frozen=True)
class HnswParameters:
    """How the graph is built and searched; the names are those of the paper's M and ef.

    Attributes:
        links: Neighbours of each vector. More: better recall, a larger file.
        ef_construction: Candidates looked at for the neighbours of a new vector. More: a better graph, built slower.
        ef_search: Candidates kept by one query. More: better recall, slower.
    """

    links: int = 32
    ef_construction: int = 100
    ef_search: int = 16


def build(vectors: Vectors, path: Path, parameters: HnswParameters) -> None:
    """Build the graph over unit vectors (n, dim), on all usable cores, and write it to ``path``.

    Threads insert in no fixed order, so the same vectors make another file each time.

    Raises:
        GalleryError: It cannot be written.
    """
    import faiss

    half = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexHNSWSQ(vectors.shape[1], half, parameters.links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = parameters.ef_construction
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(available_cores())
    try:
        for start in range(0, len(vectors), _AT_ONCE):
            index.add(np.ascontiguousarray(vectors[start : start + _AT_ONCE]))
    finally:
        faiss.omp_set_num_threads(before)
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # a full disk
        raise GalleryError(f"{path}: cannot be written: {error}; free the disk, and try again") from error


class FaissFlatIndex:
    """Scans all vectors in float16, then scores the best again: as exact as ``ExactIndex``, and sooner.

    It looks further until no vector left out can be among the best, however its numbers were rounded.
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
            GalleryDamaged: It is no graph over these vectors.
        """
        return cls(_open(path, vectors), vectors)

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The k most similar vectors; see ``Index.search``."""
        count = len(self._vectors)
        k = min(k, count)
        wanted = k + _SPARE
        while True:
            wanted = min(wanted, count)
            rounded, found = self._codes.search(query[None], wanted)
            rows, scores = rescore(found[0], self._vectors, query, k)
            if wanted == count or rounded[0, -1] + _ROUNDING < scores[-1]:
                return rows, scores
            wanted *= 4


class FaissHnswIndex:
    """Walks the graph; its effort is ``ef_search``."""

    name = "faiss-hnsw"

    def __init__(self, path: Path, vectors: Vectors, parameters: HnswParameters) -> None:
        """Map the graph of ``vectors`` into memory.

        Raises:
            GalleryDamaged: It is no graph over these vectors.
        """
        self._index = _open(path, vectors)
        self._flat = FaissFlatIndex(self._index, vectors)
        self._vectors = vectors
        self.effort = min(parameters.ef_search, len(vectors))

    @property
    def most(self) -> int:
        """Every vector."""
        return len(self._vectors)

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """About the k most similar vectors; see ``Index.search``."""
        import faiss

        k = min(k, len(self._vectors))
        depth = faiss.SearchParametersHNSW(efSearch=max(self.effort, k))
        found = self._index.search(query[None], k, params=depth)[1][0]
        if found[-1] < 0:  # the walk ended before it had met k vectors
            return self._flat.search(query, k)
        return rescore(found, self._vectors, query, k)


def _open(path: Path, vectors: Vectors) -> faiss.IndexHNSWSQ:
    """Map a file into memory that is a graph over as many vectors of this dimension; its SHA-256 is verified before."""
    import faiss

    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (RuntimeError, MemoryError) as error:  # its own checks, and sizes that no machine has
        raise GalleryDamaged(f"{path}: cannot be read as a graph: {error}") from error
    if not isinstance(index, faiss.IndexHNSWSQ):
        raise GalleryDamaged(f"{path}: expected a graph over scalars, found {type(index).__name__}")
    count, dim = vectors.shape
    if (index.ntotal, index.d) != (count, dim):
        found = f"{index.ntotal} of {index.d}"
        raise GalleryDamaged(f"{path}: expected {count} items of {dim} numbers, found {found}")
    return index


def _avoid_omp_after_fork() -> None:
    """OpenMP waits for ever for threads that a fork left behind; alone, the thread that was forked waits for none."""
    if "faiss" in sys.modules:
        sys.modules["faiss"].omp_set_num_threads(1)


os.register_at_fork(after_in_child=_avoid_omp_after_fork)
