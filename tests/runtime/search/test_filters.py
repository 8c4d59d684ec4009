"""Filtered searches of a gallery equal a loop over its photos, with every engine, also after photos were removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from installed import INSTALLED, needs_annoy
from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.vector_index.registry import Engine
from tiny_bundle import DIM
from vector_gallery import FILTERS, Exact, clustered, make_gallery, make_generation, remove, various

COUNT = 900


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Gallery:
    folder = tmp_path_factory.mktemp("filters") / "photos"
    gallery = make_gallery(folder, Bundle.load(tiny_bundle_path), clustered(COUNT, DIM), various(COUNT))
    gallery.database.set_meta(engines=" ".join(INSTALLED))
    make_generation(gallery)
    return gallery


def recall(gallery: Gallery, engine: Engine) -> float:
    """Compare every filter with a loop over the photos that the database has now, and return the recall."""
    searcher, exact, hits, wanted = Searcher(gallery, engine=engine), Exact(gallery), 0, 0
    for query in clustered(COUNT + 3, DIM)[COUNT:]:
        for where in FILTERS:
            expected = exact(query, 10, where)
            found = [(hit.id, hit.score) for hit in searcher.nearest(query, 10, where=where)]
            assert len(found) == len(expected), where
            hits, wanted = hits + len(dict(found).keys() & dict(expected).keys()), wanted + len(expected)
            if engine in ("exact", "faiss-flat"):
                assert [photo for photo, _ in found] == [photo for photo, _ in expected], where
                np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-6)
    return hits / wanted


@pytest.mark.parametrize("engine", INSTALLED)
def test_filtered_searches_equal_a_loop_over_the_photos(gallery: Gallery, engine: Engine) -> None:
    assert recall(gallery, engine) >= 0.98


@needs_annoy
def test_searches_that_read_few_vectors_keep_few_in_memory(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[Snapshot] = []
    monkeypatch.setattr(Snapshot, "release", lambda snapshot: released.append(snapshot))
    query = clustered(1, DIM)[0]
    approximate, exact = Searcher(gallery, engine="annoy"), Searcher(gallery, engine="exact")
    for _ in range(5):
        approximate.nearest(query, 30)
        exact.nearest(query, 30)
    assert len(released) == 1
    approximate.nearest(query, 1, where=FILTERS[1])
    assert len(released) == 2
    exact.nearest(query, 1, where=FILTERS[1])
    assert len(released) == 2


@pytest.mark.parametrize("engine", INSTALLED)
def test_photos_removed_since_the_snapshot_are_not_found(gallery: Gallery, engine: Engine) -> None:
    paths = sorted(path for (path,) in gallery.database.query("SELECT path FROM photos"))
    remove(gallery, paths[:: len(paths) // 100])
    assert recall(gallery, engine) >= 0.98
