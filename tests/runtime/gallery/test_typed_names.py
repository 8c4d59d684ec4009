"""Folders and photos are found under the names that keyboards type, whatever Unicode form the disk has."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import QueryError
from photoseek.gallery.database.typed_names import with_known_folder
from photoseek.gallery.filters import Filter
from photoseek.system.user_paths import absolute, on_disk
from tiny_bundle import COLORS
from tiny_photos import write_color
from typed_commands import answer, photoseek_command

FORMS = [("NFC", "NFD"), ("NFD", "NFC")]
FOLDER, NAME = "Été à Rome", "façade.png"


def spelled(form: str, text: str) -> str:
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


def accented(root: Path, form: str) -> Path:
    """Write one photo in a folder whose names have this form, and return the photo folder."""
    folder = root / spelled(form, "Crème")
    write_color(folder / spelled(form, FOLDER) / spelled(form, NAME), COLORS["red"], seed=5)
    return folder


@pytest.mark.parametrize(("disk", "keyboard"), FORMS)
def test_every_command_finds_typed_names(
    tmp_path: Path, disk: str, keyboard: str, tiny_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = accented(tmp_path, disk)
    file = folder / spelled(disk, FOLDER) / spelled(disk, NAME)
    typed = str(tmp_path / spelled(keyboard, "Crème"))
    answer("index", typed, "--bundle", tiny_bundle_path)
    assert [path.name for path in tmp_path.iterdir()] == [spelled(disk, "Crème")]
    search = ("search", "--gallery", typed, "--paths")
    inside = f"{spelled(keyboard, FOLDER)}/{spelled(keyboard, NAME)}"
    assert answer(*search, "red", "--folder", spelled(keyboard, FOLDER)) == f"{file}\n"
    assert answer(*search, "--image", f"{typed}/{inside}") == f"{file}\n"
    assert answer(*search, "--similar-to", inside) == ""
    captions = tmp_path / spelled(disk, "légendes.token")
    captions.write_text(f"{inside}#0\tred\n", "utf-8")
    answer("captions", "add", tmp_path / spelled(keyboard, "légendes.token"), "--gallery", typed)
    with Gallery.open(typed) as gallery:
        assert gallery.sentences.of_photo(file.relative_to(folder).as_posix()) == ["red"]
    assert "red" in answer("captions", "describe", "--image", f"{typed}/{inside}", "--gallery", typed)
    assert "red" in answer("captions", "describe", "--similar-to", inside, "--gallery", typed)
    monkeypatch.chdir(tmp_path)
    assert on_disk(f"{spelled(keyboard, 'Crème')}/{inside}") == str(file.relative_to(tmp_path))


def test_forms_may_differ_within_a_path(tmp_path: Path, tiny_bundle: Bundle) -> None:
    write_color(tmp_path / "photos" / spelled("NFC", "é") / spelled("NFD", "è") / "ç.png", COLORS["red"])
    gallery = Gallery.create(tmp_path / "photos", tiny_bundle)
    gallery.index()
    where = with_known_folder(gallery.database, Filter(folder=spelled("NFC", "é/è/")))
    assert len(Searcher(gallery).search("red", where=where)) == 1
    assert Searcher(gallery).is_searchable(spelled("NFC", "é/è/ç.png"))
    assert absolute(tmp_path / "photos" / "é" / "è" / "new") == (
        tmp_path / "photos" / spelled("NFC", "é") / spelled("NFD", "è") / "new"
    )


def test_a_name_that_exists_is_never_replaced(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        (tmp_path / spelled(form, "é")).mkdir()
    for form in ("NFC", "NFD"):
        assert os.fspath(absolute(tmp_path / spelled(form, "é"))) == f"{tmp_path}/{spelled(form, 'é')}"
    assert on_disk("é\0") == "é\0"
    assert on_disk(f"{tmp_path}/ç") == f"{tmp_path}/ç"


@pytest.mark.parametrize(
    ("folder", "hint"),
    [
        ("bleu", "the closest: 'blue'"),
        ("BLUE", "the closest: 'blue'"),
        ("2019/blue", "the closest: 'blue'"),
        ("0", "it has 'black', 'blue', 'green', ..."),
    ],
)
def test_an_unknown_folder_is_an_error_that_names_the_closest(gallery: Gallery, folder: str, hint: str) -> None:
    with pytest.raises(QueryError) as raised:
        with_known_folder(gallery.database, Filter(folder=folder))
    assert str(raised.value) == f"folder: expected a folder of this gallery, found {folder!r}; {hint}"
    assert Searcher(gallery).search("red", where=Filter(folder=folder)) == []  # in the library, a filter is a filter


def test_a_known_folder_needs_no_searchable_photo(gallery: Gallery, photos: Path) -> None:
    (photos / "scans").mkdir()
    (photos / "scans" / "broken.png").touch()
    gallery.index()
    for folder in ("scans", "/scans/", "", "/"):
        assert with_known_folder(gallery.database, Filter(folder=folder)).folder == folder


def test_a_gallery_without_folders_says_so(tmp_path: Path, tiny_bundle: Bundle) -> None:
    write_color(tmp_path / "photos" / "a.png", COLORS["red"])
    gallery = Gallery.create(tmp_path / "photos", tiny_bundle)
    gallery.index()
    with pytest.raises(QueryError, match="this gallery has no folders, found 'x'"):
        with_known_folder(gallery.database, Filter(folder="x"))


def test_the_command_names_an_unknown_folder_once(gallery: Gallery) -> None:
    done = photoseek_command("search", "--gallery", gallery.path, "--folder", "bleu", lines=b"red\nblue\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "photoseek: folder: expected a folder of this gallery, found 'bleu'; the closest: 'blue'\n"
