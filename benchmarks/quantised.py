"""Inverted lists of product-quantized residuals in faiss: 64 bytes per vector, and the best candidates rescored.

Jegou et al., Product quantization for nearest neighbor search, TPAMI 2011. The codes stay in memory; the full
vectors, of which a query reads some hundred, can stay on a disk.
"""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np

from photoseek.vector_index.base import rescore
from photoseek.vectors import Rows, Vectors

CODE_BYTES = 64
_BITS, _RESCORED, _FIRST = 8, 400, 4  # bits per code; rescored candidates; probed lists
_TRAINING = 50_000  # training vectors of lists and codes


class IvfPq:
    """An engine whose effort is the number of probed lists."""

    name = "faiss-ivf-pq"

    def __init__(self, vectors: Vectors, file: Path) -> None:
        """Train on a sample of the vectors, (n, dim), with about 4 sqrt(n) lists, and add all vectors."""
        dim = vectors.shape[1]
        lists = 4 * round(len(vectors) ** 0.5)
        plain = faiss.IndexFlatIP(dim)
        self._index = faiss.IndexIVFPQ(plain, dim, lists, CODE_BYTES, _BITS, faiss.METRIC_INNER_PRODUCT)
        self._plain = plain  # keeps it alive
        self._index.cp.niter = self._index.pq.cp.niter = 8
        self._index.train(np.asarray(vectors[:: max(1, len(vectors) // _TRAINING)]))
        self._index.add(np.asarray(vectors))
        faiss.write_index(self._index, str(file))
        self._vectors = vectors
        self.max_effort = lists
        self.effort = _FIRST

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return the best candidates of the codes, rescored with the vectors."""
        parameters = faiss.SearchParametersIVF(nprobe=min(self.effort, self.max_effort))
        _, found = self._index.search(query[None], max(k, _RESCORED), params=parameters)
        return rescore(found[0][found[0] >= 0], self._vectors, query, k)
