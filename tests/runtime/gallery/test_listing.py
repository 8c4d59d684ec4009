"""Photos without a query and their numbers by date and folder are those that a loop over the photos finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from photoseek import Bundle, Gallery
from photoseek.gallery.filters import Filter, file_type, orientation
from photoseek.gallery.listing import newest_photos, position_of
from photoseek.gallery.overview import Overview, count_photos
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.searcher import Searcher
from photoseek.system.filenames import normalize_user_path
from tiny_bundle import DIM
from vector_gallery import FILTERS, Facts, make_gallery, make_generation, meets, put, remove, scattered, various

ODD = [
    Facts("a/雪/x.png", taken="2021"),
    Facts("a/雪/y.PNG", taken="2021-05"),
    Facts("a/雪/z/1.tif", taken="2021-05-17"),
    Facts("a0/x.heic", taken="0001-01-01 00:00:00"),
    Facts("b.unknown"),
]


@pytest.fixture(scope="module")
def facts() -> list[Facts]:
    return various(300) + ODD


@pytest.fixture(scope="module")
def indexed(facts: list[Facts], tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Gallery:
    folder = tmp_path_factory.mktemp("listing") / "photos"
    gallery = make_gallery(folder, Bundle.load(tiny_bundle_path), scattered(len(facts), DIM), facts)
    make_generation(gallery)
    return gallery


def snapshot_of(gallery: Gallery) -> Snapshot:
    return Searcher(gallery).snapshot


def expected(facts: list[Facts], where: Filter) -> list[str]:
    """Return the paths, the newest first, those of the same time or without one in the order of the rows."""
    return [each.path for each in sorted(facts, key=lambda each: each.taken, reverse=True) if meets(each, where)]


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: str(where.to_json()))
@pytest.mark.parametrize("count", [1, 24, 1000])
def test_photos_are_listed_newest_first(indexed: Gallery, facts: list[Facts], where: Filter, count: int) -> None:
    wanted = expected(facts, where)
    found = newest_photos(indexed, snapshot_of(indexed), count, where)
    assert found.total == len(wanted)
    assert [photo.path for photo in found.photos] == wanted[:count]
    for skip in (1, 23, len(wanted) // 2, len(wanted)):
        rest = newest_photos(indexed, snapshot_of(indexed), count, where, skip=skip)
        assert [photo.path for photo in rest.photos] == wanted[skip : skip + count]
        assert rest.total == found.total


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: str(where.to_json()))
def test_the_position_of_a_photo_is_its_index_in_the_list(indexed: Gallery, facts: list[Facts], where: Filter) -> None:
    wanted, snapshot, searcher = expected(facts, where), snapshot_of(indexed), Searcher(indexed)
    for each in facts[::3]:
        photo, _ = searcher.resolve_photo(each.path)
        listed = wanted.index(each.path) if each.path in wanted else None
        assert position_of(indexed, snapshot, photo, where) == listed
    assert position_of(indexed, snapshot, 10**9, where) is None


def test_a_listed_photo_has_the_facts_of_its_row(indexed: Gallery, facts: list[Facts]) -> None:
    by_path = {each.path: each for each in facts}
    for photo in newest_photos(indexed, snapshot_of(indexed), 1000).photos:
        each = by_path[photo.path]
        assert (photo.width, photo.height, photo.taken or "") == (each.width, each.height, each.taken)
        assert photo.taken_from == ("exif" if each.taken else None)
        assert (photo.camera or "") == each.camera
        assert photo.file == indexed.photos.file_of(each.path)
        assert Searcher(indexed).resolve_photo(photo.path)[0] == photo.id


def test_photos_of_one_day_are_sorted_by_their_time_whichever_number_is_wanted(
    tmp_path: Path, tiny_bundle: Bundle
) -> None:
    times = np.random.default_rng(0).permutation(50).tolist()
    facts = [Facts(f"{time}.jpg", taken=f"2024-05-17 10:00:{time:02}") for time in times]
    gallery = make_gallery(tmp_path / "photos", tiny_bundle, scattered(50, DIM), facts)
    make_generation(gallery)
    for count in (1, 7, 49, 50, 51):
        found = newest_photos(gallery, snapshot_of(gallery), count)
        newest = [f"{time}.jpg" for time in range(49, -1, -1)]
        assert [photo.path for photo in found.photos] == newest[:count]
        rest = newest_photos(gallery, snapshot_of(gallery), count, skip=20)
        assert [photo.path for photo in rest.photos] == newest[20 : 20 + count]
    for index, path in enumerate(newest):
        photo, _ = Searcher(gallery).resolve_photo(path)
        assert position_of(gallery, snapshot_of(gallery), photo) == index


def test_removed_and_added_photos_are_listed_as_the_snapshot_has_them(tmp_path: Path, tiny_bundle: Bundle) -> None:
    facts = [Facts(f"{day}.jpg", taken=f"2024-05-{day:02} 10:00:00") for day in range(10, 30)]
    gallery = make_gallery(tmp_path / "photos", tiny_bundle, scattered(20, DIM), facts)
    make_generation(gallery)
    before = snapshot_of(gallery)
    remove(gallery, ["29.jpg"])
    put(gallery, scattered(1, DIM, seed=1), [Facts("new.jpg", taken="2025-01-01 00:00:00")])
    assert [photo.path for photo in newest_photos(gallery, before, 2).photos] == ["28.jpg"]
    make_generation(gallery)
    assert [photo.path for photo in newest_photos(gallery, snapshot_of(gallery), 2).photos] == ["new.jpg", "28.jpg"]


def cameras(facts: list[Facts]) -> Counter[str]:
    """Count photos by camera; names that differ in case are one camera, as the first photo spells it."""
    spelled = {each.camera.lower(): each.camera for each in reversed(facts) if each.camera}
    return Counter(spelled[each.camera.lower()] for each in facts if each.camera)


def numbers(facts: list[Facts]) -> Overview:
    """Count photos one by one."""
    dates = [each.taken for each in facts]
    folders = Counter[str]()
    for each in facts:
        parts = each.path.split("/")[:-1]
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return Overview(
        photos=len(facts),
        years=Counter(date[:4] for date in dates if date),
        months=Counter(date[:7] for date in dates if len(date) > 4),
        undated=dates.count(""),
        folders=folders,
        types=Counter(filter(None, (file_type(each.path) for each in facts))),
        orientations=Counter(orientation(each.width, each.height) for each in facts),
        cameras=cameras(facts),
    )


def test_numbers_of_photos_are_those_of_a_count_and_those_that_filters_find(
    indexed: Gallery, facts: list[Facts]
) -> None:
    snapshot = snapshot_of(indexed)
    found = count_photos(snapshot.columns)
    assert found == numbers(facts)
    assert list(found.years) == sorted(found.years, reverse=True)
    assert list(found.months) == sorted(found.months, reverse=True)
    assert list(found.folders) == sorted(found.folders)
    for where, count in (
        *((Filter(taken_from=date, taken_to=date), count) for date, count in (found.years | found.months).items()),
        *((Filter(folder=normalize_user_path(folder)), count) for folder, count in found.folders.items()),
        *((Filter(type=name), count) for name, count in found.types.items()),
        *((Filter(camera=name), count) for name, count in found.cameras.items()),
        *((Filter(orientation=name), count) for name, count in found.orientations.items()),  # type: ignore[arg-type]
    ):
        assert newest_photos(indexed, snapshot, 1, where).total == count


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: str(where.to_json()))
def test_numbers_within_a_filter_are_those_of_its_other_conditions(
    indexed: Gallery, facts: list[Facts], where: Filter
) -> None:
    def within(*own: str) -> Overview:
        rest = replace(where, **dict.fromkeys(own))
        return numbers([each for each in facts if meets(each, rest)])

    dates, folders, kinds = within("taken_from", "taken_to"), within("folder"), within("type")
    found = count_photos(snapshot_of(indexed).columns, where)
    assert (found.years, found.months, found.undated) == (dates.years, dates.months, dates.undated)
    assert (found.photos, found.folders) == (folders.photos, folders.folders)
    assert (found.types, found.orientations) == (kinds.types, within("orientation").orientations)
    lowered = {name.lower(): count for name, count in found.cameras.items()}
    assert lowered == {name.lower(): count for name, count in within("camera").cameras.items()}
