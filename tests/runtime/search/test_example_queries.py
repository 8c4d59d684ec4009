"""Example queries are those that photos of the gallery match with a high confidence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.search import example_queries
from photoseek.search.example_queries import SURE, find_examples
from tiny_bundle import COLORS, write_calibrated, write_tiny_bundle


@pytest.fixture
def searcher(photos: Path, tmp_path: Path) -> Searcher:
    """A searcher over 24 photos of six colors with a calibrated bundle."""
    gallery = Gallery.create(photos, Bundle.load(write_calibrated(tmp_path / "calibrated")))
    gallery.index()
    return Searcher(gallery)


def color_of(example: str) -> str:
    return next(color for color in COLORS if color in example.split())


def test_examples_are_surely_found_and_differ(searcher: Searcher) -> None:
    found = find_examples(searcher, "en", 10)
    assert "red car" in found
    assert len(found) == len({color_of(example) for example in found}) > 1
    confidences = []
    for example in found:
        best = searcher.search(example, k=1, names="never")[0]
        assert best.path.startswith(color_of(example))
        assert best.confidence is not None
        confidences.append(best.confidence)
    assert min(confidences) >= SURE
    assert confidences == sorted(confidences, reverse=True)
    assert find_examples(searcher, "en", 1) == found[:1]


def test_what_the_photos_do_not_show_is_no_example(searcher: Searcher, photos: Path) -> None:
    shutil.rmtree(photos / "red")
    searcher.gallery.index()
    assert "red" not in {color_of(example) for example in find_examples(searcher, "en", 10)}


def test_nothing_is_sure_without_a_calibration(photos: Path, tmp_path: Path) -> None:
    gallery = Gallery.create(photos, Bundle.load(write_tiny_bundle(tmp_path / "plain")))
    gallery.index()
    assert find_examples(Searcher(gallery), "en", 10) == []


def test_a_large_gallery_is_sampled(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_queries, "_MAX_PHOTOS", 1)  # the first photo only
    first = searcher.snapshot.ids[:1].tolist()
    [stored] = searcher.gallery.database.photos(first, searcher.bundle.fingerprint).values()
    found = find_examples(searcher, "en", 10)
    assert {color_of(example) for example in found} <= {stored.path.partition("/")[0]}
