"""Approximate search with Annoy (random projection trees); candidates are rescored exactly.

Annoy's file has no header, and a damaged one crashes the process: a gallery verifies its SHA-256 before opening it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photoseek.errors import GalleryDamaged
from photoseek.vector_index.base import rescore
from photoseek.vectors import Rows, Vectors

if TYPE_CHECKING:
    from annoy import AnnoyIndex

_MAX_NODES = 2**31 - 1  # Annoy counts them in an int


@dataclass(frozen=True)
class AnnoyParameters:
    """How the trees are built and searched.

    Attributes:
        trees: Number of trees. More trees give a higher recall and a larger file.
        search_k: Nodes visited by one query. More nodes give a higher recall and are slower.
        seed: Seed of the random projections. With one thread, the same vectors build the same file.
    """

    trees: int = 50
    search_k: int = 500
    seed: int = 1


def build(vectors: Vectors, path: Path, parameters: AnnoyParameters) -> None:
    """Build the trees of unit vectors (n, dim) and write them to ``path``, which must not be in use."""
    index = _index(vectors.shape[1])
    index.set_seed(parameters.seed)
    for row, vector in enumerate(vectors):
        index.add_item(row, vector)
    index.build(parameters.trees, n_jobs=1)  # several jobs would build a different file each time
    index.save(str(path))


class AnnoyTreeIndex:
    """Searches the trees; its effort is ``search_k``."""

    name = "annoy"

    def __init__(self, path: Path, vectors: Vectors, parameters: AnnoyParameters) -> None:
        """Map the trees of ``vectors`` into memory.

        Raises:
            GalleryDamaged: They are not trees of these vectors.
        """
        _check_size(path, vectors)
        self._vectors = vectors
        self._trees = parameters.trees
        self.effort = parameters.search_k
        self._index = _index(vectors.shape[1])
        self._index.load(str(path))

    @property
    def max_effort(self) -> int:
        """Every vector, in every tree."""
        return len(self._vectors) * self._trees

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """Return about the k most similar vectors; see ``Index.search``."""
        k = min(k, len(self._vectors))
        effort = min(max(self.effort, k * self._trees), _MAX_NODES)
        found = self._index.get_nns_by_vector(query, k, effort)
        return rescore(np.asarray(found, dtype=np.int64), self._vectors, query, k)


def _check_size(path: Path, vectors: Vectors) -> None:
    """Raise unless a file has nodes of this dimension, and as many items as there are vectors.

    A node is ``Angular::Node<int32_t, float>`` of ``src/annoylib.h``: the number of its items, its two children or the
    length of its vector, the vector. Copies of the roots are at the end, from which Annoy reads the number of items.
    """
    count, width = len(vectors), 3 + vectors.shape[1]
    try:
        numbers = np.memmap(path, dtype="<i4", mode="r")
    except (OSError, ValueError) as error:
        raise GalleryDamaged(f"{path}: cannot be read as trees: {error}") from error
    if len(numbers) % width or len(numbers) <= count * width:
        raise GalleryDamaged(f"{path}: expected more than {count} nodes of {4 * width} bytes, found {4 * len(numbers)}")
    if (found := int(numbers[-width])) != count:
        raise GalleryDamaged(f"{path}: expected {count} items, found {found}")


def _index(dim: int) -> AnnoyIndex:
    from annoy import AnnoyIndex

    return AnnoyIndex(dim, "angular")  # its distance is sqrt(2 (1 - cosine)): the same order as the cosine
