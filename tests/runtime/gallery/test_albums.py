"""Albums keep their photos by content and path, in a gallery of the same format."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from older_galleries import make_older
from photoseek import Gallery
from photoseek.errors import GalleryError, QueryError
from photoseek.gallery.albums import FAVORITES, MAX_NAME, Album
from photoseek.gallery.database.schema import FORMAT
from photoseek.gallery.lock import exclusive_writer

RED = [f"red/red-{number}.png" for number in range(4)]


def paths(gallery: Gallery, name: str = "Trip") -> list[str]:
    return list(gallery.albums.photos(name).values())


def test_photos_are_added_once_in_order_and_removed(gallery: Gallery) -> None:
    albums = gallery.albums
    assert albums.list() == []
    assert albums.add("Trip", [RED[2], RED[0], RED[2]]) == 2
    assert albums.add("Trip", RED) == 2
    assert paths(gallery) == [RED[2], RED[0], RED[1], RED[3]]
    assert albums.remove("Trip", [RED[0], "blue/blue-0.png"]) == 1
    assert paths(gallery) == [RED[2], RED[1], RED[3]]
    assert albums.list() == [Album("Trip", 3)]
    assert {(gallery.photos.root / path).exists() for path in RED} == {True}


def test_albums_are_created_renamed_and_deleted(gallery: Gallery) -> None:
    albums = gallery.albums
    albums.create("  Cafe\u0301 ")
    albums.add("b", RED[:1])
    albums.add(FAVORITES, RED[:2])
    assert albums.list() == [Album(FAVORITES, 2), Album("b", 1), Album("Caf\u00e9", 0)]
    albums.rename("b", "a")
    albums.delete("Cafe\u0301")
    assert albums.list() == [Album(FAVORITES, 2), Album("a", 1)]
    with Gallery.open(gallery.path) as again:
        assert again.albums.list() == albums.list()


def test_favorites_exist_before_the_first_one(gallery: Gallery) -> None:
    assert gallery.albums.photos(FAVORITES) == {}
    assert gallery.albums.remove(FAVORITES, RED[:1]) == 0
    gallery.albums.delete(FAVORITES)
    assert gallery.albums.list() == []


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "\u202e", "x" * (MAX_NAME + 1), "\udcff", 1])
def test_invalid_names_are_refused(gallery: Gallery, name: str) -> None:
    for change in (gallery.albums.create, lambda name: gallery.albums.add(name, RED)):
        with pytest.raises(QueryError, match="expected the name of an album, 1 to 100 printable characters, found"):
            change(name)
    assert gallery.albums.list() == []


def test_errors_name_what_was_expected(gallery: Gallery) -> None:
    albums = gallery.albums
    albums.add("Trip", RED)
    with pytest.raises(QueryError, match="found 'Tripp'; it has 'Trip'"):
        albums.photos("Tripp")
    with pytest.raises(QueryError, match=r"no photo .red/none\.png. in this gallery"):
        albums.add("Trip", ["red/none.png"])
    with pytest.raises(QueryError, match="found 'Trip', which exists"):
        albums.create("Trip")
    albums.create("Other")
    with pytest.raises(QueryError, match="found 'Trip', which exists"):
        albums.rename("Other", "Trip")
    for names in (("Trip", FAVORITES), (FAVORITES, "Trip")):
        with pytest.raises(QueryError, match="'Favorites' cannot be renamed"):
            albums.rename(*names)


def test_a_photo_stays_in_its_album_when_it_is_renamed_copied_edited_or_returns(gallery: Gallery) -> None:
    root = gallery.photos.root
    gallery.albums.add("Trip", RED)
    (root / RED[0]).rename(root / "renamed.png")
    shutil.copy(root / RED[1], root / "a copy.png")
    with Image.open(root / RED[2]) as image:
        title = PngInfo()
        title.add_text("Title", "edited")
        image.save(root / RED[2], pnginfo=title)
    (root / RED[3]).rename(root.parent / "away.png")
    assert gallery.index().removed == 2
    assert paths(gallery) == ["renamed.png", RED[1], RED[2]]
    (root / RED[2]).rename(root / "edited and renamed.png")
    (root.parent / "away.png").rename(root / "returned.png")
    (root / RED[1]).unlink()
    gallery.index()
    assert paths(gallery) == ["renamed.png", "a copy.png", "edited and renamed.png", "returned.png"]


def test_another_photo_at_the_path_of_a_renamed_one_is_not_in_its_album(gallery: Gallery) -> None:
    root = gallery.photos.root
    gallery.albums.add("Trip", RED[:1])
    (root / RED[0]).rename(root / "renamed.png")
    (root / "blue/blue-0.png").rename(root / RED[0])
    gallery.index()
    assert paths(gallery) == ["renamed.png"]


def test_two_copies_that_become_one_photo_are_one_photo_of_the_album(gallery: Gallery) -> None:
    root = gallery.photos.root
    shutil.copy(root / RED[0], root / "copy.png")
    gallery.index()
    gallery.albums.add("Trip", [RED[0], "copy.png"])
    assert paths(gallery) == [RED[0], "copy.png"]
    (root / "copy.png").unlink()
    gallery.index()
    assert paths(gallery) == [RED[0]]
    assert gallery.albums.list() == [Album("Trip", 1)]
    assert gallery.albums.remove("Trip", RED[:1]) == 1
    assert paths(gallery) == []


def test_albums_neither_change_the_format_nor_outdate_the_index(gallery: Gallery) -> None:
    before = gallery.database.meta()
    gallery.albums.add("Trip", RED)
    assert gallery.database.meta() == before
    assert gallery.status().fresh
    assert gallery.database.query("SELECT user_version FROM pragma_user_version") == [(FORMAT,)]
    gallery.verify()
    gallery.repair()
    assert paths(gallery) == RED


def test_a_gallery_of_format_1_has_albums_before_and_after_its_upgrade(gallery: Gallery) -> None:
    gallery.close()
    make_older(gallery.path, 1)
    with Gallery.open(gallery.path) as old:
        old.albums.add("Trip", RED)
        assert not old.database.has_metadata
        assert paths(old) == RED
        old.index()
        assert old.database.has_metadata
        assert paths(old) == RED


def test_albums_change_while_the_gallery_is_indexed(gallery: Gallery) -> None:
    with exclusive_writer(gallery.path), Gallery.open(gallery.path) as other:
        other.albums.add("Trip", RED)
        assert paths(gallery) == RED


def test_a_read_only_gallery_says_so(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    assert gallery.albums.writable
    monkeypatch.setattr("photoseek.gallery.lock.open_file", refuse)
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    assert not gallery.albums.writable
    with pytest.raises(GalleryError, match="expected a folder that you can write"):
        gallery.albums.add("Trip", RED)
    assert gallery.albums.list() == []


def test_reading_albums_writes_nothing(gallery: Gallery) -> None:
    def state() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in gallery.path.rglob("*") if file.is_file()}

    before = state()
    assert gallery.albums.list() == []
    assert gallery.albums.photos(FAVORITES) == {}
    assert state() == before


def test_a_copy_restores_order_and_photos_and_keeps_later_ones(gallery: Gallery) -> None:
    albums = gallery.albums
    albums.add("Trip", [RED[2], RED[0], RED[1]])
    albums.add("Other", [RED[2]])
    copy = albums.copy("Trip")
    albums.remove("Trip", [RED[2], RED[0]])
    albums.add("Trip", [RED[3]])
    albums.rename("Trip", "Journey")
    assert albums.restore(copy) == "Journey"
    assert paths(gallery, "Journey") == [RED[2], RED[0], RED[1], RED[3]]
    assert paths(gallery, "Other") == [RED[2]]


def test_a_deleted_album_is_restored_under_its_name(gallery: Gallery) -> None:
    albums = gallery.albums
    albums.add("Trip", [RED[2], RED[0]])
    albums.create("Empty")
    for name in ("Trip", "Empty"):
        copy = albums.copy(name)
        albums.delete(name)
        assert albums.restore(copy) == name
    assert paths(gallery) == [RED[2], RED[0]]
    assert paths(gallery, "Empty") == []
    with pytest.raises(QueryError, match="expected an album of this gallery"):
        albums.copy("None of these")
    nothing = albums.copy(FAVORITES)
    albums.add(FAVORITES, RED[:1])
    assert albums.restore(nothing) == FAVORITES
    assert paths(gallery, FAVORITES) == RED[:1]
