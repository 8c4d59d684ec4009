"""XMP files of an album, which add its name as a keyword when they are copied beside the photos."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from photo_metadata import jpeg, xmp
from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import GalleryError, QueryError
from photoseek.gallery.album_export import export_xmp
from photoseek.photos.xmp import parse_xmp
from photoseek.photos.xmp_keywords import read_keywords
from photoseek.system.filenames import decode_filename

NAME = "Lake | <2024> \U0001f3d6"
ODD = os.fsdecode(b"caf\xe9 <1>.jpg")  # not UTF-8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos without an XMP file, with one of either name, with damaged ones, and with keywords."""
    (photos := tmp_path / "photos").mkdir()
    (photos / "a" / "b").mkdir(parents=True)
    for number, name in enumerate(("plain.jpg", "a/b/darktable.jpg", "a/adobe.jpg", "damaged.jpg", "other.jpg", ODD)):
        (photos / name).write_bytes(jpeg(color=f"rgb({30 * number}, 9, 9)"))
    (photos / "keywords.jpg").write_bytes(jpeg(xmp=xmp(keywords=["sea", "gull"])))
    (photos / "a/b/darktable.jpg.xmp").write_bytes(xmp(keywords=["boat"], title="Noon"))
    (photos / "a/adobe.xmp").write_bytes(xmp(description="At noon"))
    (photos / "damaged.jpg.xmp").write_bytes(b"<x")
    (photos / "damaged.xmp").mkdir()
    return photos


@pytest.fixture
def gallery(folder: Path, tiny_bundle: Bundle) -> Gallery:
    gallery = Gallery.create(folder, tiny_bundle)
    gallery.index()
    return gallery


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return time and content of each file outside the gallery."""
    files = (file for file in folder.rglob("*") if file.is_file() and ".photoseek" not in file.parts)
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def all_photos(gallery: Gallery) -> list[str]:
    return sorted(path for path in gallery.database.paths() if path != "other.jpg")


def test_xmp_files_add_the_album_as_a_keyword_when_they_are_copied(
    gallery: Gallery, folder: Path, tmp_path: Path
) -> None:
    gallery.albums.add(NAME, all_photos(gallery))
    before = state(folder)
    done = export_xmp(gallery, NAME, tmp_path / "new" / "xmp")
    assert state(folder) == before
    assert done.photos == 5
    assert done.left_out == {
        "damaged.jpg.xmp": "the XMP file is damaged, or not XMP",
        "damaged.xmp": "the XMP file cannot be read, or is too long",
    }
    files = {
        str(file.relative_to(tmp_path / "new/xmp")): file.read_bytes() for file in (tmp_path / "new").rglob("*.xmp")
    }
    assert files.keys() == {"plain.jpg.xmp", "a/b/darktable.jpg.xmp", "a/adobe.xmp", f"{ODD}.xmp", "keywords.jpg.xmp"}
    assert all(NAME in parse_xmp(document).keywords for document in files.values())
    assert read_keywords(files["keywords.jpg.xmp"]) == {"dc:subject": ["sea", "gull", NAME]}
    assert parse_xmp(files["a/b/darktable.jpg.xmp"]).titles == ("Noon",)
    assert parse_xmp(files["a/adobe.xmp"]).descriptions == ("At noon",)
    shutil.copytree(tmp_path / "new" / "xmp", folder, dirs_exist_ok=True)
    gallery.index()
    found = {hit.path for hit in Searcher(gallery).search("lake 2024", names="only", k=50)}
    assert found == {*all_photos(gallery)} - {"damaged.jpg"}
    assert decode_filename(ODD) in found
    again = export_xmp(gallery, NAME, tmp_path / "again")
    assert again.photos == 5
    assert {each: (tmp_path / "again" / each).read_bytes() for each in files} == files


def test_a_raw_photo_also_has_the_name_that_programs_of_adobe_read(
    gallery: Gallery, folder: Path, tmp_path: Path
) -> None:
    (folder / "plain.jpg").rename(folder / "plain.nef")
    with gallery.database.writing() as connection:
        connection.execute("UPDATE photos SET path = 'plain.nef' WHERE path = 'plain.jpg'")
    gallery.albums.add(NAME, ["plain.nef"])
    assert export_xmp(gallery, NAME, tmp_path / "xmp").photos == 1
    plain, adobe = sorted((tmp_path / "xmp").iterdir())
    assert (plain.name, adobe.name) == ("plain.nef.xmp", "plain.xmp")
    assert plain.read_bytes() == adobe.read_bytes()


def test_a_photo_with_keywords_that_cannot_be_read_is_left_out(gallery: Gallery, folder: Path, tmp_path: Path) -> None:
    gallery.albums.add(NAME, ["keywords.jpg", "plain.jpg"])
    for name in ("keywords.jpg", "plain.jpg"):
        (folder / name).unlink()
    done = export_xmp(gallery, NAME, tmp_path / "xmp")
    assert done.photos == 1  # the file of the other one is the same without the photo
    [(path, reason)] = done.left_out.items()
    assert path == "keywords.jpg.xmp"
    assert reason.startswith("the photo has keywords, but cannot be read: ")
    assert [file.name for file in (tmp_path / "xmp").iterdir()] == ["plain.jpg.xmp"]


def test_nothing_is_written_outside_the_new_folder(gallery: Gallery, folder: Path, tmp_path: Path) -> None:
    gallery.albums.add(NAME, ["plain.jpg"])
    with gallery.database.writing() as connection:
        connection.execute("UPDATE photos SET path = '../../plain.jpg' WHERE path = 'plain.jpg'")
    export_xmp(gallery, NAME, tmp_path / "new" / "xmp")
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("plain.jpg.xmp")] == ["new/xmp/plain.jpg.xmp"]
    with pytest.raises(GalleryError, match="expected a new or empty folder"):
        export_xmp(gallery, NAME, folder)
    with pytest.raises(QueryError, match="expected an album of this gallery, found 'None'"):
        export_xmp(gallery, "None", tmp_path / "none")
    assert not (tmp_path / "none").exists()
