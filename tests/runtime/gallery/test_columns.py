"""The photos that the columns of a snapshot select are those that meet the filter, photo by photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photoseek import Bundle, Gallery
from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.filters import TYPES, Filter
from photoseek.gallery.snapshot.columns import Columns, write_columns
from tiny_bundle import DIM
from vector_gallery import CAMERAS, FILTERS, Exact, Facts, make_gallery, make_generation, meets, scattered, various

ODD = [
    Facts("A.JPG"),
    Facts("jpg"),
    Facts("x.jpg/y"),
    Facts("a0/x.png"),
    Facts("a/雪.tif"),
    Facts("%.jpeg", taken="2021"),
]
COUNT = 400

NAMES = st.text(st.sampled_from("ab.0 /~\x01é雪\uffff😀\\\u0301"), min_size=1, max_size=6).filter(
    lambda name: name.strip("/")
)
DATES = st.one_of(
    st.just(""),
    st.from_regex(r"202[0-2](-0[1-3](-0[1-3]( 10:00:00)?)?)?", fullmatch=True),
)
PHOTOS = st.builds(
    Facts,
    st.builds("{}.{}".format, NAMES, st.sampled_from(["jpg", "PNG", "heif", "txt"])),
    st.integers(1, 3000),
    st.integers(1, 3000),
    DATES,
    st.sampled_from(CAMERAS),
)
DAYS = st.none() | DATES.filter(bool).map(lambda date: date[:10])


def from_to(span: tuple[str | None, str | None], **others: Any) -> Filter:
    """Return a filter with dates in either order."""
    first, last = span
    if first is not None and last is not None and first > f"{last}~":
        first, last = last, first
    return Filter(taken_from=first, taken_to=last, **others)


CONDITIONS = st.builds(
    from_to,
    st.tuples(DAYS, DAYS),
    folder=st.none() | NAMES | st.just("a\0b"),
    min_megapixels=st.none() | st.floats(0, 9) | st.just(1e300),
    max_megapixels=st.none() | st.floats(0, 9) | st.just(1e300),
    orientation=st.none() | st.sampled_from(["landscape", "portrait", "square"]),
    type=st.none() | st.sampled_from(list(TYPES)),
    camera=st.none() | st.sampled_from([*filter(None, CAMERAS), "canon eos r6", "Nikon"]),
)


def columns_of(folder: Path, photos: list[Facts]) -> Columns:
    stored = [StoredPhoto(each.path, each.width, each.height, each.taken, camera=each.camera) for each in photos]
    assert write_columns(folder, enumerate(stored, start=1)) == len(photos)
    return Columns.open(folder, len(photos))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("columns")


@settings(deadline=None, max_examples=40)
@given(photos=st.lists(PHOTOS, min_size=1, max_size=40), where=CONDITIONS)
def test_any_filter_selects_the_photos_that_meet_it(folder: Path, photos: list[Facts], where: Filter) -> None:
    matches = columns_of(folder, photos).matching(where)
    expected = [meets(photo, where) for photo in photos]
    assert matches(slice(None)).tolist() == expected
    assert matches(slice(0, None, 2)).tolist() == expected[::2]
    assert matches(np.arange(len(photos))[::-1]).tolist() == expected[::-1]


@settings(deadline=None, max_examples=20)
@given(
    photos=st.lists(PHOTOS, min_size=1, max_size=12),
    others=st.lists(PHOTOS, min_size=1, max_size=12),
    removed=st.sets(st.integers(0, 11)),
    where=CONDITIONS,
)
def test_joined_columns_select_among_the_photos_of_both(
    folder: Path, photos: list[Facts], others: list[Facts], removed: set[int], where: Filter
) -> None:
    rows = sorted(row for row in removed if row < len(photos))
    first = columns_of(folder, photos)
    first = replace(first, values=np.array(first.values))  # the next line replaces the file
    matches = first.joined(np.array(rows, dtype=np.int64), columns_of(folder, others)).matching(where)
    left = [photo for row, photo in enumerate(photos) if row not in removed] + others
    assert matches(slice(None)).tolist() == [meets(photo, where) for photo in left]


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: str(where.to_json()))
def test_filters_select_among_various_photos(folder: Path, where: Filter) -> None:
    photos = [*various(COUNT), *ODD]
    assert columns_of(folder, photos).matching(where)(slice(None)).tolist() == [meets(each, where) for each in photos]


def test_a_nul_in_a_folder_matches_no_two_folders(folder: Path) -> None:
    matches = columns_of(folder, [Facts("a/1.jpg"), Facts("b/2.jpg")]).matching(Filter(folder="a/\0b"))
    assert not matches(slice(None)).any()


def test_a_text_that_is_no_date_matches_no_date(folder: Path) -> None:
    photos = [Facts("1.jpg", taken=taken) for taken in ("yesterday", "20211", "2021-x", "2021-05-17T10:00")]
    matches = columns_of(folder, photos).matching(Filter(taken_from="2021", taken_to="2021"))
    assert matches(slice(None)).tolist() == [False, False, True, True]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Gallery:
    facts = [*various(COUNT), *ODD]
    folder = tmp_path_factory.mktemp("selection") / "photos"
    gallery = make_gallery(folder, Bundle.load(tiny_bundle_path), scattered(len(facts), DIM), facts)
    make_generation(gallery)
    return gallery


def test_the_columns_of_a_snapshot_are_those_of_its_photos(gallery: Gallery) -> None:
    exact, snapshot = Exact(gallery), gallery.generation()
    for where in FILTERS:
        selected = snapshot.ids[snapshot.columns.matching(where)(slice(None))]
        assert selected.tolist() == [photo for photo in exact.ids.tolist() if meets(exact.facts[photo], where)]


@pytest.mark.parametrize("name", ["columns.npy", "folders.bin", "cameras.json"])
def test_damaged_columns_are_refused(gallery: Gallery, name: str) -> None:
    file = gallery.generation().path / name
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(GalleryDamaged, match=rf"{name}: expected the recorded sha256.*photoseek index"):
            gallery.generation()
    finally:
        file.write_bytes(content)
