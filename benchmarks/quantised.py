"""Vectors as 64 bytes each: faiss' inverted lists of product-quantised residuals, the best scored again in full.

Jegou et al., Product quantization for nearest neighbor search, TPAMI 2011. What is beyond the memory of any machine as
it is, fits as codes: these are kept in memory, and the whole vectors, of which a query reads some hundred, on a disk.
"""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np

from photoseek.vector_index.base import rescore
from photoseek.vectors import Rows, Vectors

CODE_BYTES = 64
_BITS, _RESCORED, _FIRST = 8, 400, 4  # bits of a code's part; rows that are scored again; lists that are looked into
_TRAINING = 50_000  # vectors that lists and codes are learned from


class IvfPq:
    """An engine whose effort is the number of lists that a query looks into."""

    name = "faiss-ivf-pq"

    def __init__(self, vectors: Vectors, file: Path) -> None:
        """Learn from some of the vectors, (n, dim), with about 4 lists for each square root of n, and add them all."""
        dim = vectors.shape[1]
        lists = 4 * round(len(vectors) ** 0.5)
        plain = faiss.IndexFlatIP(dim)
        self._index = faiss.IndexIVFPQ(plain, dim, lists, CODE_BYTES, _BITS, faiss.METRIC_INNER_PRODUCT)
        self._plain = plain  # or Python lets go of it
        self._index.cp.niter = self._index.pq.cp.niter = 8
        self._index.train(np.asarray(vectors[:: max(1, len(vectors) // _TRAINING)]))
        self._index.add(np.asarray(vectors))
        faiss.write_index(self._index, str(file))
        self._vectors = vectors
        self.max_effort = lists
        self.effort = _FIRST

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The best by their codes, then the best of those by their vectors."""
        parameters = faiss.SearchParametersIVF(nprobe=min(self.effort, self.max_effort))
        _, found = self._index.search(query[None], max(k, _RESCORED), params=parameters)
        return rescore(found[0][found[0] >= 0], self._vectors, query, k)
