"""Index files of the wrong size are refused even without a checksum: a full disk may have truncated them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from installed import needs_annoy, needs_faiss
from photoseek.errors import GalleryDamaged
from photoseek.vector_index import annoy, faiss
from photoseek.vector_index.annoy import AnnoyParameters, AnnoyTreeIndex
from photoseek.vector_index.faiss import FaissHnswIndex, HnswParameters
from photoseek.vectors import normalize

VECTORS = normalize(np.random.default_rng(0).normal(size=(30, 32)))
NODE = 140  # bytes


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (0, "cannot be read as trees"),
        (NODE, "expected more than 30 nodes of 140 bytes, found 140"),
        (30 * NODE, "expected more than 30 nodes of 140 bytes, found 4200"),
        (-4, "expected more than 30 nodes of 140 bytes"),
    ],
)
@needs_annoy
def test_truncated_trees_are_refused(tmp_path: Path, size: int, message: str) -> None:
    file = tmp_path / "index.ann"
    annoy.build(VECTORS, file, AnnoyParameters())
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(GalleryDamaged, match=message):
        AnnoyTreeIndex(file, VECTORS, AnnoyParameters())


@pytest.mark.parametrize("count", [1, 2, 13, 14, 15, 200])
@pytest.mark.parametrize("alike", [False, True])
@needs_annoy
def test_trees_of_any_size_are_opened(tmp_path: Path, count: int, alike: bool) -> None:
    """One item, as many as fit into a single bucket, and splits; also equal vectors, whose planes are zero."""
    vectors = normalize(np.random.default_rng(0).normal(size=(count, 12)))
    vectors[: count if alike else 0] = vectors[0]
    annoy.build(vectors, tmp_path / "index.ann", AnnoyParameters(3))
    engine = AnnoyTreeIndex(tmp_path / "index.ann", vectors, AnnoyParameters(3))
    assert len(engine.search(vectors[0], 5)[0]) == min(5, count)


@needs_faiss
@pytest.mark.parametrize("size", [0, 3, 500, -1])
def test_a_truncated_graph_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "index.faiss"
    faiss.build(VECTORS, file, HnswParameters())
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(GalleryDamaged, match="cannot be read as a graph"):
        FaissHnswIndex(file, VECTORS, HnswParameters())
