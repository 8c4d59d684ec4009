"""Queries beyond a plain text: terms, filters, photos of the gallery, and captions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoseek import Bundle, Gallery, Searcher
from photoseek.bundle.manifest import Manifest
from photoseek.captions import Caption
from photoseek.errors import QueryError
from photoseek.gallery.database.folders import list_folders
from photoseek.gallery.filters import Filter
from photoseek.search.caption_search import CaptionSearcher
from photoseek.vectors import normalize
from tiny_bundle import write_tiny_bundle
from tiny_photos import write_color


@pytest.fixture
def searcher(gallery: Gallery) -> Searcher:
    return Searcher(gallery)


def paths(searcher: Searcher, *texts: str, **options: Any) -> list[str]:
    return [hit.path for hit in searcher.search(*texts, **options)]


def test_terms_are_added_with_their_weights(searcher: Searcher) -> None:
    red, blue, green = (searcher.query(color).vector for color in ("red", "blue", "green"))
    expected = normalize((2 * red + blue - 0.5 * green)[None])[0]
    np.testing.assert_allclose(searcher.query("2:red + blue - 0.5:green").vector, expected, atol=1e-6)
    np.testing.assert_allclose(searcher.query(r"red \+ blue").vector, searcher.text_encoder.encode(["red + blue"])[0])


def test_subtracted_terms_rank_last(searcher: Searcher) -> None:
    assert {path.split("/")[0] for path in paths(searcher, "red + blue - green", k=24)[-4:]} == {"green"}


def test_terms_that_cancel_out_are_rejected(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="cancel out"):
        searcher.search("red - red")


def test_a_photo_of_the_gallery_finds_similar_photos_but_not_itself(searcher: Searcher) -> None:
    hits = searcher.search(similar_to="red/red-2.png", k=3)
    assert {hit.path for hit in hits} == {"red/red-0.png", "red/red-1.png", "red/red-3.png"}
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert not searcher.image_encoder.is_loaded  # its vector is in the gallery
    assert "red/red-2.png" not in paths(searcher, "red", similar_to="red/red-2.png", k=24)
    assert len(paths(searcher, similar_to="red/red-2.png", k=100)) == 23
    with pytest.raises(QueryError, match=r"no photo 'red/none\.png' in this gallery"):
        searcher.search(similar_to="red/none.png")


def test_ids_of_hits_are_stable(gallery: Gallery, searcher: Searcher) -> None:
    before = {hit.path: hit.id for hit in searcher.search("red", k=24)}
    assert len(set(before.values())) == 24
    gallery.index()
    assert {hit.path: hit.id for hit in searcher.search("blue", k=24)} == before


def with_date(path: Path, date: str, size: tuple[int, int] = (32, 32)) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = date
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (200, 30, 30)).save(path, exif=exif)


@pytest.fixture
def mixed(tmp_path: Path, tiny_bundle: Bundle) -> Searcher:
    """Five photos that differ in every property that filters use."""
    root = tmp_path / "mixed"
    write_color(root / "plain.png", (250, 0, 0), seed=1)
    with_date(root / "a" / "old.jpg", "2019:05:17 10:00:00", (64, 32))
    with_date(root / "a" / "b" / "new.JPEG", "2024:12:31 23:59:59", (32, 64))
    with_date(root / "a0.webp", "2024:01:01 00:00:00")
    with_date(root / "a" / "nonsense.jpg", "0000:00:00 00:00:00", (1200, 1000))
    gallery = Gallery.create(root, tiny_bundle)
    gallery.index()
    return Searcher(gallery)


OLD, NEW, WEBP, NONSENSE, PLAIN = "a/old.jpg", "a/b/new.JPEG", "a0.webp", "a/nonsense.jpg", "plain.png"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(), {OLD, NEW, WEBP, NONSENSE, PLAIN}),
        (Filter(folder="a"), {OLD, NEW, NONSENSE}),
        (Filter(folder="a/b/"), {NEW}),
        (Filter(folder=""), {OLD, NEW, WEBP, NONSENSE, PLAIN}),
        (Filter(folder="none"), set()),
        (Filter(taken_from="2024"), {NEW, WEBP}),
        (Filter(taken_from="2024-01-02"), {NEW}),
        (Filter(taken_to="2019-05"), {OLD}),
        (Filter(taken_to="2024-12-31"), {OLD, NEW, WEBP}),
        (Filter(taken_from="2019-05-17", taken_to="2019-05-17"), {OLD}),
        (Filter(taken_from="2019-05-17", taken_to="2019"), {OLD}),
        (Filter(taken_from="2019", taken_to="2019-05"), {OLD}),
        (Filter(min_megapixels=1.2), {NONSENSE}),
        (Filter(max_megapixels=1.1), {OLD, NEW, WEBP, PLAIN}),
        (Filter(orientation="landscape"), {OLD, NONSENSE, PLAIN}),
        (Filter(orientation="portrait"), {NEW}),
        (Filter(type="jpeg"), {OLD, NEW, NONSENSE}),
        (Filter(type="png", folder="a"), set()),
    ],
)
def test_only_photos_that_match_the_filter_are_found(mixed: Searcher, where: Filter, expected: set[str]) -> None:
    assert set(paths(mixed, "red", where=where, k=10)) == expected
    found = mixed.search("red", where=where, k=2)
    assert [hit.rank for hit in found] == list(range(1, min(2, len(expected)) + 1))


def test_filters_change_neither_scores_nor_order(searcher: Searcher) -> None:
    everything = [(hit.path, hit.score) for hit in searcher.search("red + blue", k=24)]
    some = [(hit.path, hit.score) for hit in searcher.search("red + blue", k=24, where=Filter(folder="blue"))]
    expected = [(path, score) for path, score in everything if path.startswith("blue/")]
    assert [path for path, _ in some] == [path for path, _ in expected]
    assert [score for _, score in some] == pytest.approx([score for _, score in expected], abs=1e-6)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            {"taken_from": "yesterday"},
            "taken_from: expected a date like 2024, 2024-05 or .*, found 'yesterday'",
        ),
        ({"taken_to": "2024-13"}, "taken_to: expected a date"),
        (
            {"taken_from": "2024-06", "taken_to": "2024-05-31"},
            "taken_from: expected a date not after taken_to, 2024-05-31, found '2024-06'",
        ),
        ({"min_megapixels": -1.0}, "min_megapixels: expected a number of at least 0, found -1"),
        ({"max_megapixels": float("nan")}, "max_megapixels: expected a number of at least 0"),
        ({"orientation": "tilted"}, "orientation: expected landscape, portrait, square, found 'tilted'"),
        ({"type": "exe"}, "type: expected one of jpeg, png"),
        ({"camera": " "}, "camera: expected the name of a camera, such as Canon EOS R6, found ' '"),
        ({"camera": "Canon\0"}, r"camera: expected the name of a camera, such as Canon EOS R6, found 'Canon\\x00'"),
        ({"camera": "\ud800"}, "camera: expected the name of a camera"),
        ({"camera": 5}, "camera: expected the name of a camera, such as Canon EOS R6, found 5"),
    ],
)
def test_invalid_filters_are_rejected(condition: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        Filter(**condition)


def test_hits_have_the_time_of_capture(mixed: Searcher) -> None:
    taken = {hit.path: hit.taken for hit in mixed.search("red", k=10)}
    assert taken == {
        OLD: "2019-05-17 10:00:00",
        NEW: "2024-12-31 23:59:59",
        WEBP: "2024-01-01 00:00:00",
        NONSENSE: None,
        PLAIN: None,
    }
    assert list_folders(mixed.gallery.database) == ["a", "a/b"]


def test_near_duplicates_count_as_one_hit(photos: Path, tiny_bundle: Bundle) -> None:
    for copy in range(3):
        shutil.copy(photos / "red" / "red-0.png", photos / "red" / f"copy-{copy}.png")
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    searcher = Searcher(gallery)
    plain = searcher.search("red", k=27)
    folded = searcher.search("red", k=27, group_duplicates=True)
    assert [hit.rank for hit in folded] == list(range(1, len(folded) + 1))
    assert all(hit.duplicates == () for hit in plain)
    everything = [hit.path for top in folded for hit in (top, *top.duplicates)]
    assert sorted(everything) == sorted(hit.path for hit in plain)
    of_copies = next(top for top in folded if any("copy" in hit.path for hit in (top, *top.duplicates)))
    names = {hit.path for hit in (of_copies, *of_copies.duplicates)}
    assert names >= {"red/red-0.png", "red/copy-0.png", "red/copy-1.png", "red/copy-2.png"}
    assert [hit.score for hit in of_copies.duplicates] == sorted(
        (hit.score for hit in of_copies.duplicates), reverse=True
    )
    assert of_copies.to_json()["duplicates"][0]["path"] == of_copies.duplicates[0].path


def test_grouping_returns_as_many_hits_as_requested(photos: Path, tiny_bundle: Bundle) -> None:
    for copy in range(20):
        shutil.copy(photos / "red" / "red-0.png", photos / "red" / f"copy-{copy:02}.png")
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    groups = len(Searcher(gallery).search("red", k=44, group_duplicates=True))
    assert 3 < groups < 24
    assert len(Searcher(gallery).search("red", k=3, group_duplicates=True)) == 3


def test_confidence_is_that_of_the_text(tmp_path: Path, photos: Path) -> None:
    path = write_tiny_bundle(tmp_path / "calibrated")
    manifest = Manifest.read(path)
    manifest.precisions["fp32"]["confidence"] = {
        "slope": 20.0,
        "intercept": -10.0,
        "min_similarity": 0.7,
        "photos": 9,
        "captions": 9,
    }
    manifest.write(path)
    gallery = Gallery.create(photos, Bundle.load(path))
    gallery.index()
    searcher = Searcher(gallery)
    for hit in searcher.search("red", k=24):
        assert hit.confidence == pytest.approx(1 / (1 + np.exp(10 - 20 * hit.score)), abs=1e-5)
        assert hit.low_confidence == (hit.score < 0.7)
    assert not searcher.search("red", k=1)[0].low_confidence
    both = searcher.search("red + blue", k=24)
    red, blue = searcher.query("red").vector, searcher.query("blue").vector
    vectors = dict(zip(searcher.snapshot.ids.tolist(), searcher.snapshot.vectors, strict=True))
    for hit in both:
        least = min(float(vectors[hit.id] @ red), float(vectors[hit.id] @ blue))
        assert hit.confidence == pytest.approx(1 / (1 + np.exp(10 - 20 * least)), abs=1e-5)
        assert hit.low_confidence == (least < 0.7)
    assert {hit.confidence for hit in searcher.search(similar_to="red/red-0.png", k=24)} == {None}
    assert {hit.confidence for hit in searcher.search("- red", k=24)} == {None}
    with_photo = searcher.search("white", similar_to="red/red-0.png", k=24)
    assert {(hit.confidence, hit.low_confidence) for hit in with_photo} == {(None, False)}


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("собака", True),
        ("開く 개가 달린다", True),
        ("🐶", True),
        ("red", False),
        ("собака red picture", False),
        ("red + собака", True),
        ("red - собака", False),
        ("123", True),
        ("red 123", False),
    ],
)
def test_a_text_that_the_bundle_does_not_read_has_low_confidence(searcher: Searcher, text: str, unread: bool) -> None:
    hits = searcher.search(text, k=24)
    assert {(hit.confidence, hit.low_confidence) for hit in hits} == {(None, unread)}
    assert {hit.from_unread_text for hit in hits} == {unread}


def test_an_uncalibrated_bundle_has_no_confidence(searcher: Searcher) -> None:
    assert {hit.confidence for hit in searcher.search("red", k=24)} == {None}
    assert searcher.search("red", k=1)[0].to_json()["confidence"] is None


CAPTIONS = [Caption(f"{color}/{color}-0.png", 0, f"a {color} picture") for color in ("red", "green", "blue")]


def test_a_photo_is_described_by_the_nearest_captions(gallery: Gallery, photos: Path) -> None:
    searcher = CaptionSearcher(Searcher(gallery))
    with pytest.raises(QueryError, match="no captions; add some with: photoseek captions add"):
        searcher.describe(photos / "red" / "red-1.png")
    assert gallery.add_captions(CAPTIONS) == 3
    for color in ("red", "green", "blue"):
        by_file = searcher.describe(photos / color / f"{color}-1.png", k=2)
        assert [sentence.rank for sentence in by_file] == [1, 2]
        assert by_file[0].text == f"a {color} picture"
        assert searcher.describe(similar_to=f"{color}/{color}-1.png", k=2) == by_file
    assert len(searcher.describe(similar_to="red/red-0.png", k=99)) == 3
    with pytest.raises(QueryError, match="k must be a whole number"):
        searcher.describe(similar_to="red/red-0.png", k=0)


def test_captions_are_stored_once_and_continue_after_an_interruption(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.gallery.indexing.encode._SENTENCES", 1)

    def interrupt(progress: Any) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.add_captions(CAPTIONS, progress=interrupt)
    assert len(gallery.sentences.without_vectors(gallery.fingerprint)) == 1
    assert gallery.add_captions([*CAPTIONS, CAPTIONS[0]]) == 0
    assert gallery.sentences.without_vectors(gallery.fingerprint) == []
    assert (gallery.status().captions, gallery.sentences.of_photo("red/red-0.png")) == (3, ["a red picture"])
    assert gallery.status().fresh  # photos need no re-indexing
    assert gallery.sentences.clear() == 3
    assert gallery.status().captions == 0
