"""Opening a file of faiss: what it holds is looked at before anything is searched in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photoseek.errors import GalleryDamaged
from photoseek.vectors import Vectors

if TYPE_CHECKING:
    import faiss

_BYTES = 2  # of a number in half precision


def open_graph(path: Path, vectors: Vectors) -> faiss.IndexHNSWSQ:
    """Map the graph over unit vectors (n, dim) into memory.

    Raises:
        GalleryDamaged: The file is none, or one over vectors of another number or length.
    """
    import faiss

    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (RuntimeError, MemoryError) as error:  # its own checks, and sizes that no machine has
        raise GalleryDamaged(f"{path}: cannot be read as a graph: {error}") from error
    if wrong := _wrong(index, *vectors.shape):
        raise GalleryDamaged(f"{path}: {wrong}")
    return index


def _wrong(index: faiss.Index, count: int, dim: int) -> str:
    """What is wrong with an index; empty where nothing is."""
    import faiss

    if not isinstance(index, faiss.IndexHNSWSQ) or index.metric_type != faiss.METRIC_INNER_PRODUCT:
        return "expected a graph over scalars, by inner products"
    codes = faiss.downcast_index(index.storage)
    for part in (index, codes):
        if part.ntotal != count:
            return f"expected {count} items, found {part.ntotal}"
        if part.d != dim:
            return f"expected vectors of {dim} numbers, found {part.d}"
    if codes.codes.size() != count * dim * _BYTES or codes.code_size != dim * _BYTES:
        return "expected vectors in half precision"
    return _wrong_links(index.hnsw, count)


def _wrong_links(graph: faiss.HNSW, count: int) -> str:
    import faiss

    links, levels, offsets, room = (
        faiss.vector_to_array(each)
        for each in (graph.neighbors, graph.levels, graph.offsets, graph.cum_nneighbor_per_level)
    )
    if len(levels) != count or len(offsets) != count + 1 or not 0 <= graph.entry_point < count:
        return "the graph is not over its items"
    if levels.min() < 1 or levels.max() >= len(room) or levels[graph.entry_point] != graph.max_level + 1:
        return "an item stands on a level that the graph has not"
    if offsets[0] != 0 or offsets[-1] != len(links) or (np.diff(offsets.astype(np.int64)) != room[levels]).any():
        return "an item has another number of links than its level has"
    return "a link leads to no item" if links.min() < -1 or links.max() >= count else ""
