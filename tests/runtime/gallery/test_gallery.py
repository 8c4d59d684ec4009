"""Creating, opening, moving and closing a gallery, and switching its bundle."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from gallery_answers import counts, found
from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import (
    GalleryBusy,
    GalleryClosed,
    GalleryDamaged,
    GalleryEmpty,
    GalleryError,
    GalleryIncompatible,
    GalleryNotFound,
)
from photoseek.gallery.lock import exclusive_writer
from tiny_bundle import write_tiny_bundle


def test_two_processes_cannot_index_at_once(gallery: Gallery) -> None:
    with exclusive_writer(gallery.path), pytest.raises(GalleryBusy, match="another process"):
        Gallery.open(gallery.path).index()


def test_a_gallery_is_opened_by_its_folder_or_the_photo_folder(gallery: Gallery, photos: Path) -> None:
    assert Gallery.open(photos).path == Gallery.open(photos / ".photoseek").path == gallery.path
    with pytest.raises(GalleryNotFound, match="photoseek index"):
        Gallery.open(photos / "red")


def test_a_gallery_outside_the_photo_folder_finds_photos(photos: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "elsewhere")
    gallery.index()
    assert not (photos / ".photoseek").exists()
    assert Searcher(Gallery.open(tmp_path / "elsewhere")).search("red", k=1)[0].file.is_file()


@pytest.mark.usefixtures("gallery")
def test_photos_and_gallery_move_together(photos: Path, tmp_path: Path) -> None:
    moved = photos.rename(tmp_path / "moved")
    again = Gallery.open(moved)
    assert again.photos.root == moved
    assert Searcher(again).search("red", k=1)[0].file.is_file()
    assert counts(again.index()) == {"photos": 24, "unchanged": 24}


def test_a_second_gallery_in_a_folder_and_other_photos_are_refused(
    gallery: Gallery, photos: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(GalleryError, match="there is a gallery already"):
        Gallery.create(photos, tiny_bundle)
    (tmp_path / "others").mkdir()
    with pytest.raises(GalleryIncompatible, match="belongs to the photos in"):
        Gallery.open_or_create(tmp_path / "others", tiny_bundle, gallery.path)
    with pytest.raises(GalleryNotFound, match="no such folder; expected a folder of photos"):
        Gallery.create(tmp_path / "nowhere", tiny_bundle)


def test_another_bundle_is_refused_without_rebuild(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    for attempt in (
        lambda: gallery.index(other),
        lambda: Searcher(gallery, bundle=other),
        lambda: Gallery.open_or_create(photos, other),
    ):
        with pytest.raises(GalleryIncompatible, match=r"vectors of bundle 'tiny'.*'other'.*--rebuild"):
            attempt()
    rebuilt = Gallery.open_or_create(photos, other, rebuild=True)
    assert counts(rebuilt.index()) == {"photos": 24, "encoded": 24}
    assert rebuilt.bundles.load().name == "other"
    assert found(rebuilt, "red", k=1)[0].startswith("red/")


def test_a_gallery_between_two_bundles_refuses_to_answer(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Its snapshot still has vectors of the old one: any answer would be wrong."""
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    interrupted = Gallery.open_or_create(photos, other, rebuild=True)
    with pytest.raises(GalleryIncompatible, match=r"bundle 'other' is not finished; run: photoseek index"):
        Searcher(interrupted).search("red")
    interrupted.index()
    assert found(interrupted, "red", k=1)[0].startswith("red/")
    with exclusive_writer(gallery.path), pytest.raises(GalleryBusy):
        Gallery.open_or_create(photos, Bundle.load(write_tiny_bundle(tmp_path / "third", seed=2)), rebuild=True)
    assert Gallery.open(photos).bundles.load().name == "other"


def test_the_photo_folder_as_gallery_means_the_folder_inside_it(
    gallery: Gallery, photos: Path, tiny_bundle: Bundle
) -> None:
    assert Gallery.open_or_create(photos, tiny_bundle, photos).path == gallery.path
    assert not (photos / "gallery.sqlite").exists()


def test_naming_a_moved_bundle_updates_its_path(photos: Path, tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "first")
    gallery = Gallery.create(photos, Bundle.load(path))
    gallery.index()
    moved = Bundle.load(path.rename(tmp_path / "second"))
    with pytest.raises(Exception, match="no bundle at"):
        Searcher(gallery)
    assert len(Searcher(gallery, bundle=moved).search("red")) == 5
    assert Gallery.open_or_create(photos, moved).bundles.load().path == tmp_path / "second"


def test_searching_an_empty_gallery_is_an_error(tmp_path: Path, tiny_bundle: Bundle) -> None:
    (tmp_path / "none").mkdir()
    gallery = Gallery.create(tmp_path / "none", tiny_bundle)
    assert gallery.index().photos == 0
    with pytest.raises(GalleryEmpty, match="nothing indexed yet"):
        Searcher(gallery).search("red")


def test_status_counts_photos(gallery: Gallery, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"")
    gallery.index()
    status = gallery.status()
    assert (status.photos, status.searchable, status.unreadable) == (25, 24, 1)
    assert (status.bundle, status.dim, status.recall, status.fresh) == ("tiny", 16, 1.0, True)
    assert status.bytes > 24 * 16 * 4
    assert json.dumps(status.to_json())


def test_a_closed_gallery_cannot_be_used(gallery: Gallery) -> None:
    with Gallery.open(gallery.path) as again:
        assert again.status().photos == 24
    with pytest.raises(GalleryClosed, match="was closed; open it again"):
        again.status()


def test_a_damaged_database_is_refused(gallery: Gallery) -> None:
    gallery.database.close()
    (gallery.path / "gallery.sqlite").write_bytes(b"this was a database once" * 100)
    with pytest.raises(GalleryDamaged, match=r"gallery\.sqlite: not a gallery database"):
        Gallery.open(gallery.path)


def test_a_newer_database_format_is_refused(gallery: Gallery) -> None:
    gallery.database.close()
    with sqlite3.connect(gallery.path / "gallery.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(GalleryIncompatible, match=r"expected gallery format 3, found format 99.*upgrade"):
        Gallery.open(gallery.path)
