"""Photos that are left out: the gallery keeps the patterns, removes the photos, and keeps their vectors."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gallery_answers import counts, found
from mounted_disk import mount
from photoseek import Bundle, Gallery
from photoseek.errors import GalleryError, GalleryNotFound, QueryError
from photoseek.gallery.watch import require_watchfiles, watch_gallery
from photoseek.photos import formats
from photoseek.sources.exclusion import IGNORE_FILE
from photoseek.system.folder_tag import TAG
from tiny_bundle import COLORS
from tiny_photos import write_color
from typed_commands import answer, photoseek_command


def reported(errors: str) -> list[str]:
    """Return the lines of a report after that of the counts."""
    lines = errors.splitlines()
    return lines[next(number for number, line in enumerate(lines) if " photos: " in line) + 1 :]


def test_an_excluded_photo_is_removed_and_comes_back_without_encoding(gallery: Gallery) -> None:
    report = gallery.index(exclude=["red/", "blue-0.png"])
    assert counts(report) == {"photos": 19, "unchanged": 19, "removed": 5}
    assert not [path for path in found(gallery, "red", k=24) if path.startswith("red/")]
    assert counts(gallery.index()) == {"photos": 19, "unchanged": 19}  # as before
    assert gallery.status().exclude == ["red/", "blue-0.png"]
    assert counts(gallery.index(exclude=[])) == {"photos": 24, "unchanged": 19, "reused": 5}
    assert gallery.status().exclude == []


def test_an_ignore_file_and_a_marker_remove_photos(gallery: Gallery, photos: Path) -> None:
    (photos / "red" / IGNORE_FILE).write_text("*\n!red-0.png\n")
    (photos / "blue" / ".nomedia").touch()
    assert counts(gallery.index()) == {"photos": 17, "unchanged": 17, "removed": 7}
    (photos / "red" / IGNORE_FILE).unlink()
    (photos / "blue" / ".nomedia").unlink()
    assert counts(gallery.index()) == {"photos": 24, "unchanged": 17, "reused": 7}


def test_a_gallery_without_any_photo_left_is_not_an_unmounted_disk(gallery: Gallery) -> None:
    assert gallery.index(exclude=["*"]).removed == 24
    assert gallery.index(exclude=[]).reused == 24


def test_an_excluded_disk_is_not_an_unmounted_one(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount(monkeypatch, photos / "red")
    assert gallery.index().unchanged == 24
    report = gallery.index(exclude=["red/"])
    assert (report.removed, report.kept_missing, report.skipped) == (4, 0, [])


def test_an_invalid_pattern_changes_nothing(gallery: Gallery) -> None:
    gallery.index(exclude=["red/"])
    with pytest.raises(QueryError, match="--exclude"):
        gallery.index(exclude=["a["])
    assert gallery.status().exclude == ["red/"]


@pytest.mark.skipif(not require_watchfiles(), reason="watchfiles is not installed (extra: watch)")
def test_watching_follows_ignore_files_and_ignores_what_is_excluded(gallery: Gallery, photos: Path) -> None:
    stop, reports = threading.Event(), list[Any]()

    def watch() -> None:
        reports.extend(watch_gallery(gallery, exclude=["blue/"], stop=stop, poll_ms=60, settle_s=0.1))

    def until(count: int) -> None:
        end = time.monotonic() + 30
        while gallery.database.count() != count:
            assert time.monotonic() < end
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        until(20)
        (photos / "red" / IGNORE_FILE).write_text("*\n")
        until(16)
        (photos / "black" / ".noimage").touch()
        until(12)
        (photos / "red" / IGNORE_FILE).unlink()
        until(16)
    finally:
        stop.set()
        thread.join(30)


def test_the_command_reports_each_reason_in_one_line(photos: Path, tiny_bundle_path: Path) -> None:
    write_color(photos / "#recycle" / "old.png", COLORS["red"])
    (photos / "blue" / ".nomedia").touch()
    (photos / "elsewhere").symlink_to(photos.parent)
    for name in ("a.mp4", "b.mov", "c.psd"):
        (photos / name).touch()
    words = ("index", photos, "--bundle", tiny_bundle_path)
    done = photoseek_command(*words, "--exclude", "red/", "--exclude", "green-0.png")
    assert reported(done.stderr) == [
        "left out: 1 folder: recycle bins (such as #recycle)",
        "left out: 1 folder: links to folders elsewhere; index these folders on their own (such as elsewhere)",
        "left out: 1 folder: by --exclude 'red/' (such as red)",
        "left out: 1 folder: with .nomedia or .noimage; to index them, remove this file (such as blue)",
        "left out: 1 photo: by --exclude 'green-0.png' (such as green/green-0.png)",
        "not read: 2 videos, 1 layered image",
    ]
    report = json.loads(answer(*words, "--json"))
    assert report["left_out"][2] == {"reason": "by --exclude 'red/'", "folders": 1, "photos": 0, "example": "red"}
    assert report["unread"][0] == {"kind": "videos", "files": 2, "extra": None, "example": "a.mp4"}
    assert "exclude:        red/, green-0.png" in answer("info", photos)
    assert json.loads(answer("info", photos, "--json"))["exclude"] == ["red/", "green-0.png"]
    assert json.loads(answer(*words, "--exclude", "", "--json"))["photos"] == 20


def test_kinds_that_need_an_extra_are_in_one_line_with_the_command_that_installs_it(
    photos: Path, tiny_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        (photos / f"IMG_{number}.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes([number] * 100))
    monkeypatch.setattr(formats, "can_decode_heif", lambda: False)
    done = photoseek_command("index", photos, "--bundle", tiny_bundle_path)
    assert reported(done.stderr) == [
        "not read: 8 files of kinds that need an extra: pip install 'photoseek[heic]' (8 HEIC photos)"
    ]


def test_an_invalid_pattern_on_the_command_line_creates_no_gallery(photos: Path) -> None:
    done = photoseek_command("index", photos, "--exclude", "a[")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (photos / ".photoseek").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("photos.zip", "found a ZIP archive; unpack it, and name the folder with its photos"),
        ("photo.JPG", "found one photo; name its folder, "),
        ("film.mov", "found a file; name its folder, "),
        ("notes", "found a file; name a folder of photos"),
    ],
)
def test_a_file_in_place_of_a_folder_is_named_for_what_it_is(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).touch()
    done = photoseek_command("index", tmp_path / name)
    assert done.returncode == 1
    assert f"{tmp_path / name}: expected a folder, {message}" in done.stderr


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make a folder read-only even for root."""
    make, opening = os.mkdir, os.open

    def mkdir(path: Any, *rest: Any, **options: Any) -> None:
        if Path(os.fspath(path)).is_relative_to(folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))
        make(path, *rest, **options)

    def open_file(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & os.O_CREAT and Path(os.fspath(path)).is_relative_to(folder):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return opening(path, flags, *rest, **options)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(os, "open", open_file)


def test_a_read_only_photo_folder_names_the_option(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, photos)
    message = r"\.photoseek: expected a folder that you can write, or another one with --gallery DIR, found: Read-only"
    with pytest.raises(GalleryError, match=message):
        Gallery.create(photos, tiny_bundle)
    assert not (photos / ".photoseek" / TAG).exists()


def test_a_gallery_in_a_read_only_folder_names_the_option(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, photos)
    with pytest.raises(GalleryError, match=r"\.photoseek: expected .* with --gallery DIR, found: Permission denied$"):
        gallery.index()


def test_a_read_only_cache_names_its_variable(
    tmp_path: Path, photos: Path, tiny_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the drawn scenes need it; without it, other commands are slower."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    refuse(monkeypatch, cache)
    done = photoseek_command("demo", "--query", "red")
    expected = f"{cache}/photoseek: Read-only file system; set XDG_CACHE_HOME to a folder that you can write"
    assert (done.returncode, done.stderr) == (1, f"photoseek: {expected}\n")
    monkeypatch.setattr("photoseek.system.hash_cache.MIN_BYTES", 0)
    assert photoseek_command("index", photos, "--bundle", tiny_bundle_path).returncode == 0


def test_a_read_only_state_folder_names_its_variable(
    photos: Path, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    refuse(monkeypatch, tmp_path / "state")
    Gallery.create(photos, tiny_bundle, tmp_path / "gallery")
    assert "set XDG_STATE_HOME to a folder that you can write" in caplog.text
    assert "Errno" not in caplog.text


def test_a_folder_that_disappears_is_still_an_unmounted_disk(gallery: Gallery, photos: Path) -> None:
    for folder in photos.iterdir():
        if folder.name != ".photoseek":
            folder.rename(photos.parent / f"was-{folder.name}")
    (photos / ".Trash").mkdir()
    with pytest.raises(GalleryNotFound, match="is its disk mounted"):
        gallery.index(exclude=["red/"])
