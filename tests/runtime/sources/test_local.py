"""Folders with more than plain photos, and folders that change while they are read."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mounted_disk import mount
from photoseek import Bundle, Gallery, Searcher
from photoseek.cli.app import app
from photoseek.errors import GalleryIncompatible, GalleryNotFound
from photoseek.gallery.filters import Filter
from photoseek.sources import local
from photoseek.sources.base import ScanGaps
from photoseek.sources.local import LocalSource, scan
from photoseek.system.filenames import decode_filename, encode_filename
from tiny_bundle import COLORS
from tiny_photos import write_color
from typed_commands import environment, photoseek_command

LATIN = os.fsdecode("caf\u00e9".encode("latin-1"))  # a folder name from a system with Latin-1


def found(gallery: Gallery, text: str, k: int = 4) -> list[str]:
    return [hit.path for hit in Searcher(gallery).search(text, k=k)]


def paths(folder: Path) -> list[str]:
    return [photo.path for photo in scan(folder)]


def test_only_regular_files_are_photos_and_only_links_to_files_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, aside = tmp_path / "root", tmp_path / "aside"
    write_color(aside / "elsewhere.png", COLORS["red"])
    write_color(root / "folder.jpg" / "inner.png", COLORS["red"])
    (root / "linked.png").symlink_to(aside / "elsewhere.png")
    (root / "linked.jpg").symlink_to(aside)
    (root / "broken.png").symlink_to(root / "nowhere.png")
    (root / "one.png").symlink_to(root / "other.png")
    (root / "other.png").symlink_to(root / "one.png")
    (root / "self").symlink_to(root)
    (root / "device.png").symlink_to("/dev/zero")
    (root / "empty.png").touch()
    os.mkfifo(root / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(root)  # the path of a socket has to be short
        listening.bind("socket.png")
    gaps = ScanGaps()
    photos = list(scan(root, gaps))
    assert [photo.path for photo in photos] == ["empty.png", "linked.png", "folder.jpg/inner.png"]
    assert gaps.reasons == {}
    assert photos[1].bytes == (aside / "elsewhere.png").stat().st_size


def test_names_of_any_bytes_are_found_and_printed(gallery: Gallery, photos: Path) -> None:
    """Names that are not UTF-8 are stored as text from which their bytes can be restored."""
    unusual = ["\uef80.png", "new\nline.png", "tab\t'quoted\".png", "\x1b[31m.png", "a.PNG", "A.png"]
    names = [*unusual, f"{LATIN}.png", "n" * 251 + ".png"]
    for number, name in enumerate(names):
        write_color(photos / LATIN / name, COLORS["red"], seed=900 + number)
    shutil.rmtree(photos / "red")
    assert gallery.index().encoded == len(names)
    hits = Searcher(gallery).search("red", k=len(names))
    assert {hit.file for hit in hits} == {photos / LATIN / name for name in names}
    assert all(hit.file.is_file() for hit in hits)
    assert gallery.index().unchanged == 20 + len(names)
    searcher = Searcher(gallery)
    inside = Filter(folder=LATIN)
    for hit in hits:
        hit.path.encode()  # is text
        assert searcher.search(similar_to=hit.path, k=1, where=inside)[0].path != hit.path
        assert searcher.search(similar_to=str(hit.file.relative_to(photos)), k=1)[0].path != hit.path
        assert gallery.photos.file_of(hit.path) == hit.file


def test_the_command_line_prints_the_bytes_of_names(photos: Path, tiny_bundle_path: Path) -> None:
    shutil.rmtree(photos / "red")
    names = [os.fsencode(LATIN) + b".png", b"new\nline.png", b"\x1b[31m.png"]
    for number, name in enumerate(names):
        write_color(photos / os.fsdecode(name), COLORS["red"], seed=900 + number)
    (photos / "bro\nken.png").touch()
    indexed = photoseek_command("index", photos, "--bundle", tiny_bundle_path)
    assert "unreadable: bro\\nken.png: " in indexed.stderr
    words = [sys.executable, "-m", "photoseek", "search", "red", "--gallery", str(photos), "-k", "3"]

    def printed(*options: str) -> bytes:
        return subprocess.run([*words, *options], capture_output=True, env=environment(), check=True).stdout

    files = printed("-0").split(b"\0")[:-1]
    assert sorted(files) == sorted(os.fsencode(photos) + b"/" + name for name in names)
    assert "caf\uefe9.png" in printed("--json").decode()
    table = printed().decode()
    assert "new\\nline.png" in table
    assert "\x1b[31m" not in table


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name))
def test_every_name_is_restored_from_its_text(name: bytes) -> None:
    text = decode_filename(os.fsdecode(name))
    assert os.fsencode(encode_filename(text)) == name
    text.encode()


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_names_in_utf_8_are_unchanged(name: str) -> None:
    if not any(0xEF80 <= ord(character) <= 0xEFFF for character in name):
        assert decode_filename(name) == name == encode_filename(name)


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path, number: int) -> None:
    """Deny access to one folder even to root, who may read everything."""
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if path == folder:
            raise OSError(number, os.strerror(number), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ENAMETOOLONG])
def test_photos_of_an_unreadable_folder_stay_in_the_gallery(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_color(photos / "red" / "deep" / "deep.png", COLORS["red"], seed=900)
    gallery.index()
    (photos / "blue" / "blue-0.png").unlink()
    with monkeypatch.context() as patch:
        forbid(patch, photos / "red", number)
        report = gallery.index()
    assert (report.photos, report.kept_missing, report.removed) == (19, 5, 1)
    assert report.skipped == [("red", os.strerror(number))]
    assert len(found(gallery, "red", k=5)) == 5
    assert (gallery.index().unchanged, gallery.prune()) == (24, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_keeps_its_photos(gallery: Gallery, photos: Path) -> None:
    for mode in (0o000, stat.S_IRUSR):  # neither listed nor entered
        (photos / "red").chmod(mode)
        report = gallery.index()
        (photos / "red").chmod(0o700)
        assert (report.kept_missing, report.removed) == (4, 0)


def test_a_folder_that_is_deleted_during_the_scan_has_no_photos(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, photos / "red", errno.ENOENT)
    report = gallery.index()
    assert (report.removed, report.kept_missing, report.skipped) == (4, 0, [])


def test_photos_of_a_disk_that_is_not_mounted_stay_in_the_gallery(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        mount(patch, photos / "red")
        assert gallery.index().unchanged == 24
    aside = photos.parent / "disk"
    (photos / "red").rename(aside)
    (photos / "red").mkdir()
    for _ in range(2):
        report = gallery.index()
        assert (report.photos, report.kept_missing, report.removed) == (20, 4, 0)
        assert report.skipped[0][1].startswith("not mounted; if its photos were deleted, remove")
    (photos / "red").rmdir()
    assert gallery.index().removed == 4
    aside.rename(photos / "red")
    assert gallery.index().reused == 4


def test_a_deep_folder_is_scanned_completely(tmp_path: Path) -> None:
    """Deeper than Python's recursion limit."""
    deep = tmp_path.joinpath(*["d"] * 400)
    deep.mkdir(parents=True)
    (deep / "end.png").touch()
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        assert len(paths(tmp_path)) == 1
    finally:
        sys.setrecursionlimit(before)


def after_read(monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    """Call a function after each photo was read."""
    read = local.read_photo

    def interfere(path: Path) -> bytes:
        data = read(path)
        call(path)
        return data

    monkeypatch.setattr(local, "read_photo", interfere)


def test_a_photo_that_changes_while_it_is_read_is_read_again(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index()  # the photos are copies, with another ctime
    new = write_color(photos / "new.png", COLORS["red"], seed=900)
    once = threading.Lock()
    after_read(monkeypatch, lambda path: once.acquire(blocking=False) and write_color(path, COLORS["blue"], seed=901))
    assert gallery.index().encoded == 1
    assert "new.png" in found(gallery, "blue", k=5)
    assert gallery.index().unchanged == 25
    assert new.name not in found(gallery, "red", k=4)


def test_a_photo_that_keeps_changing_is_tried_again_by_the_next_indexing(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index()  # the photos are copies, with another ctime
    write_color(photos / "new.png", COLORS["red"], seed=900)

    def grow(path: Path) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with monkeypatch.context() as patch:
        after_read(patch, grow)
        assert gallery.index().unreadable == [("new.png", "changes while it is read; the next indexing tries it again")]
    assert gallery.index().encoded == 1
    assert "new.png" in found(gallery, "red", k=5)


@pytest.mark.parametrize(("mtime_ns", "tick_s"), [(123_456, 0.02), (0, 2.0)])
def test_a_photo_is_read_after_the_tick_of_its_last_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mtime_ns: int, tick_s: float
) -> None:
    """Like git's "racily clean" entries: a change in the same tick, of the same size, would be invisible. A time in
    whole seconds is assumed to be from FAT."""
    (tmp_path / "photo.png").write_bytes(b"bytes")
    changed_ns = 1_700_000_000 * 10**9 + mtime_ns
    os.utime(tmp_path / "photo.png", ns=(changed_ns, changed_ns))
    now = [changed_ns / 1e9 + 0.001]
    monkeypatch.setattr(local.time, "time", lambda: now[0])
    monkeypatch.setattr(local.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    (photo,) = scan(tmp_path)
    assert LocalSource(tmp_path).read_stable(photo) == (photo, b"bytes")
    assert now[0] - changed_ns / 1e9 == pytest.approx(tick_s, abs=1e-3)


def test_a_photo_that_is_deleted_is_neither_an_error_nor_unreadable(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_color(photos / "new.png", COLORS["red"], seed=900)
    write_color(photos / "other.png", COLORS["red"], seed=901)
    scanned = local.scan

    def vanish(*arguments: Any) -> Any:
        photos_there = list(scanned(*arguments))
        (photos / "new.png").unlink()
        return photos_there

    monkeypatch.setattr(local, "scan", vanish)
    report = gallery.index()
    assert (report.photos, report.encoded, report.unreadable) == (25, 1, [])
    assert gallery.status().photos == 25


@pytest.fixture
def separate(photos: Path, tiny_bundle: Bundle, tmp_path: Path) -> Gallery:
    """A gallery outside the photo folder."""
    gallery = Gallery.create(photos, tiny_bundle, tmp_path / "separate")
    gallery.index()
    return gallery


def test_relocated_photos_keep_their_vectors(
    separate: Gallery, photos: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    moved = photos.rename(tmp_path / "moved")
    with pytest.raises(GalleryIncompatible, match=r"photos, which does not exist, not in .*moved.*add --relocate"):
        Gallery.open_or_create(moved, tiny_bundle, separate.path)
    again = Gallery.open_or_create(moved, tiny_bundle, separate.path, relocate=True)
    assert again.index().unchanged == 24
    assert Searcher(again).search("red", k=1)[0].file.is_file()
    assert Gallery.open_or_create(moved, tiny_bundle, separate.path).photos.root == moved


def test_a_folder_without_the_photos_is_refused_for_relocation(separate: Gallery, tmp_path: Path) -> None:
    write_color(tmp_path / "others" / "other.png", COLORS["red"], seed=900)
    with pytest.raises(GalleryNotFound, match=r"such as black/black-0.png, found none of 24"):
        separate.photos.relocate(tmp_path / "others")
    with pytest.raises(GalleryNotFound, match="no such folder"):
        separate.photos.relocate(tmp_path / "nowhere")
    assert separate.status().photos == 24


def test_a_link_to_the_photo_folder_is_the_photo_folder(
    separate: Gallery, photos: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(photos)
    assert Gallery.open_or_create(tmp_path / "link", tiny_bundle, separate.path).index().unchanged == 24


def test_the_command_relocates_photos(separate: Gallery, photos: Path, tiny_bundle_path: Path, tmp_path: Path) -> None:
    moved = photos.rename(tmp_path / "moved")
    command = ["index", str(moved), "--bundle", str(tiny_bundle_path), "--gallery", str(separate.path)]
    with pytest.raises(GalleryIncompatible, match="add --relocate"):
        raise CliRunner().invoke(app, command).exception or AssertionError
    assert "24 photos: 24 unchanged" in CliRunner().invoke(app, [*command, "--relocate"]).output


def test_an_unreadable_photo_folder_names_the_user_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(GalleryNotFound, match=rf"Permission denied for user {os.geteuid()}; run as a user who may"):
        list(scan(tmp_path))
