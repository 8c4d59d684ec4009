"""Vectors that were encoded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import GalleryIncompatible, QueryError
from photoseek.vectors import Vectors
from tiny_bundle import write_tiny_bundle

PATHS = ["red/red-0.png", "red/red-1.png", "blue/blue-0.png", "green/green-3.png"]


@pytest.fixture
def empty(photos: Path, tiny_bundle: Bundle) -> Gallery:
    return Gallery.create(photos, tiny_bundle)


def vectors_of(bundle: Bundle, photos: Path, paths: list[str] = PATHS) -> Vectors:
    return ImageEncoder(bundle).encode([photos / path for path in paths])


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a photo is encoded")

    monkeypatch.setattr(ImageEncoder, "encode_pixels", fail)


def test_photos_with_given_vectors_are_found_like_others(
    empty: Gallery, photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = vectors_of(tiny_bundle, photos)
    with monkeypatch.context() as patched:
        forbid(patched)
        assert empty.add_vectors(PATHS, vectors.astype(np.float64), fingerprint=tiny_bundle.fingerprint) == 4
    generation = empty.generation()
    recorded = empty.database.photos(generation.ids.tolist(), tiny_bundle.fingerprint)
    order = [PATHS.index(recorded[int(photo)].path) for photo in generation.ids]
    np.testing.assert_array_equal(generation.vectors, vectors[order])
    hits = Searcher(empty).search("red", k=10)
    assert {hit.path for hit in hits} == set(PATHS)
    assert {hit.path for hit in hits[:2]} == {"red/red-0.png", "red/red-1.png"}
    assert (hits[0].width, hits[0].height) == (48, 36)


def test_the_next_indexing_encodes_the_others_only(empty: Gallery, photos: Path, tiny_bundle: Bundle) -> None:
    empty.add_vectors(PATHS, vectors_of(tiny_bundle, photos), fingerprint=tiny_bundle.fingerprint)
    report = empty.index()
    assert (report.photos, report.encoded, report.unchanged) == (24, 20, 4)


def test_photos_with_a_vector_keep_it(empty: Gallery, photos: Path, tiny_bundle: Bundle) -> None:
    vectors = vectors_of(tiny_bundle, photos)
    assert empty.add_vectors(PATHS[:3], vectors[:3], fingerprint=tiny_bundle.fingerprint) == 3
    before = empty.generation().vectors[:3].copy()
    assert empty.add_vectors(PATHS, vectors[::-1], fingerprint=tiny_bundle.fingerprint) == 1
    np.testing.assert_array_equal(empty.generation().vectors[:3], before)


def test_vectors_of_an_additional_bundle(
    gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Bundle.load(write_tiny_bundle(tmp_path / "second", name="second", seed=3, dim=24))
    gallery.bundles.add(second)
    vectors = vectors_of(second, photos)
    forbid(monkeypatch)
    assert gallery.add_vectors(PATHS, vectors, fingerprint=second.fingerprint) == 4
    assert {hit.path for hit in Searcher(gallery, bundle=second).search("red", k=24)} == set(PATHS)
    assert len(Searcher(gallery).search("red", k=30)) == 24


def wrong(vectors: Vectors) -> dict[str, Any]:
    longer = vectors.copy()
    longer[2] *= 1.5
    invalid = vectors.copy()
    invalid[0, 0] = np.nan
    return {
        "row": vectors[:3],
        "dimension": vectors[:, 1:],
        "flat": vectors[0],
        "type": (100 * vectors).astype(np.int64),
        "text": vectors.astype(str),
        "length": longer,
        "nan": invalid,
        "zero": np.zeros_like(vectors),
    }


@pytest.mark.parametrize("kind", wrong(np.eye(4, dtype=np.float32)))
def test_other_vectors_are_refused_and_nothing_changes(
    empty: Gallery, photos: Path, tiny_bundle: Bundle, kind: str
) -> None:
    with pytest.raises(QueryError, match=r"vectors: expected (floats of shape|unit vectors)"):
        empty.add_vectors(PATHS, wrong(vectors_of(tiny_bundle, photos))[kind], fingerprint=tiny_bundle.fingerprint)
    assert empty.database.count() == 0


@pytest.mark.parametrize("path", ["none.png", "../outside.png", "red/red-0.png", "/etc/passwd"])
def test_paths_are_photos_of_the_folder_and_different(
    empty: Gallery, photos: Path, tiny_bundle: Bundle, path: str
) -> None:
    vectors = vectors_of(tiny_bundle, photos)
    with pytest.raises(QueryError, match="paths: expected"):
        empty.add_vectors([*PATHS[:3], path], vectors, fingerprint=tiny_bundle.fingerprint)
    assert empty.database.count() == 0


@pytest.mark.parametrize("fingerprint", ["", "0" * 64, "tiny"])
def test_vectors_come_from_a_bundle_of_the_gallery(
    empty: Gallery, photos: Path, tiny_bundle: Bundle, fingerprint: str
) -> None:
    with pytest.raises(GalleryIncompatible, match="expected the fingerprint of a bundle of the gallery, 'tiny'"):
        empty.add_vectors(PATHS, vectors_of(tiny_bundle, photos), fingerprint=fingerprint)
