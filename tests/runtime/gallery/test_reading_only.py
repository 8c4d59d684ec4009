"""Reading commands change no file of a gallery, whether it is writable or on a read-only disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photoseek import Gallery, Searcher
from photoseek.captions import Caption
from photoseek.errors import GalleryError
from photoseek.search.caption_search import CaptionSearcher
from photoseek.service.app import make_app
from running_service import running
from typed_commands import environment, photoseek_command

KILLED = """
import os, sys
from photoseek import Gallery
from photoseek.gallery.database import sqlite as connection
connection.Connection._checkpoint = lambda *_: os.kill(os.getpid(), 9)
connection.supports_wal = lambda _: sys.argv[2] == "wal"
if sys.argv[2] == "journal":
    connection.Connection._connection_ = connection.Connection._connection
    def spilling(self):
        found = self._connection_()
        found.execute("PRAGMA cache_size = 1")
        return found
    connection.Connection._connection = spilling
with Gallery.open(sys.argv[1]) as gallery, gallery.database.writing() as connected:
    connected.execute("DELETE FROM photos WHERE path LIKE 'red/%'")
    gallery.database.mark_changed()
    if sys.argv[2] == "journal":
        connected.execute("CREATE TABLE large (x)")
        connected.executemany("INSERT INTO large VALUES (?)", [("x" * 2000,)] * 2000)
        os.kill(os.getpid(), 9)
"""
"""A process that is killed between its commit and the checkpoint of the log, or inside a rollback journal."""


@pytest.fixture
def captioned(gallery: Gallery) -> Path:
    with gallery:
        gallery.add_captions([Caption("red/red-0.png", 0, "something red"), Caption("", 0, "something blue")])
    return gallery.path


@pytest.fixture
def read_only(captioned: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Returns a copy of the photos on a file system that is mounted read-only."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mounted], capture_output=True).returncode != 0:
        pytest.skip("needs root, to mount a read-only disk")

    def copy() -> Path:
        shutil.copytree(captioned.parent, mounted / "photos")
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
        return mounted / "photos" / captioned.name

    try:
        yield copy
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)


def kill_a_writer(gallery: Path, journal: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, gallery, journal], env=environment(), capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pending = gallery / f"gallery.sqlite-{journal}"
    assert pending.stat().st_size > 0


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, modification time and content of everything in a folder."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.stat()
        content = b"" if path.is_dir() else path.read_bytes()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, content)
    return found


def read_everything(path: Path) -> list[str]:
    """Read the gallery in every way, and return the paths that a search finds."""
    with Gallery.open(path) as gallery:
        searcher = Searcher(gallery)
        found = [hit.path for hit in searcher.search("red", k=4)]
        CaptionSearcher(searcher).describe(similar_to="blue/blue-0.png")
        gallery.status()
        gallery.unreadable()
        gallery.stale_files()
        gallery.verify()
        assert gallery.verify_photos() == []
        with running(make_app(searcher)) as client:
            assert client.get("/readyz").status_code == 200
            answer = client.post("/v1/search", json={"text": "red", "k": 4}).json()
            assert [hit["path"] for hit in answer["hits"]] == found
    for command in (["search", "red", "--gallery", path], ["info", path], ["verify", path, "--photos"]):
        done = photoseek_command(*command)
        assert done.returncode == 0, done.stderr
    return found


def test_reading_changes_nothing(captioned: Path) -> None:
    before = tree(captioned.parent)
    assert all(path.startswith("red/") for path in read_everything(captioned))
    assert tree(captioned.parent) == before


def test_reading_after_a_killed_writer_changes_nothing_and_finds_committed_data(captioned: Path) -> None:
    kill_a_writer(captioned, "wal")
    before = tree(captioned.parent)
    found = read_everything(captioned)
    assert found
    assert not any(path.startswith("red/") for path in found)
    assert tree(captioned.parent) == before
    with Gallery.open(captioned) as gallery:
        gallery.index()
        assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
    assert not list(captioned.glob("gallery.sqlite-*"))


@pytest.mark.parametrize("size", [0, 1, 32, 33, 32 + 24, 32 + 24 + 4096])
def test_a_log_truncated_before_its_first_commit_changes_nothing(captioned: Path, size: int) -> None:
    kill_a_writer(captioned, "wal")
    os.truncate(captioned / "gallery.sqlite-wal", size)
    before = tree(captioned)
    with Gallery.open(captioned) as gallery:
        assert gallery.database.count() == 24
    assert tree(captioned) == before


def test_a_gallery_on_a_read_only_disk_is_read(read_only: Callable[[], Path]) -> None:
    path = read_only()
    with pytest.raises(OSError, match="Read-only file system"):
        (path / "new").touch()
    assert all(found.startswith("red/") for found in read_everything(path))


def test_a_killed_writer_s_gallery_on_a_read_only_disk_is_read(captioned: Path, read_only: Callable[[], Path]) -> None:
    kill_a_writer(captioned, "wal")
    assert not any(found.startswith("red/") for found in read_everything(read_only()))


@pytest.mark.parametrize("journal", ["wal", "journal"])
def test_a_transaction_that_only_a_writer_can_complete_is_refused_with_a_remedy(
    captioned: Path, read_only: Callable[[], Path], journal: str, tmp_path: Path
) -> None:
    """A log without its shared memory, as in a backup of only two files, and a rollback journal."""
    kill_a_writer(captioned, journal)
    (captioned / "gallery.sqlite-shm").unlink(missing_ok=True)
    path = read_only()
    with pytest.raises(GalleryError, match=r"photoseek verify .* --repair \(if the disk is read-only: on a copy"):
        Gallery.open(path)
    copy = shutil.copytree(path.parent, tmp_path / "copy") / path.name
    before = tree(copy)
    assert photoseek_command("search", "red", "--gallery", copy).returncode == 1
    assert tree(copy) == before
    done = photoseek_command("verify", copy, "--repair")
    assert done.returncode == 0, done.stderr
    with Gallery.open(copy) as gallery:
        assert gallery.database.count() == (20 if journal == "wal" else 24)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_gallery_without_write_permission_is_read(captioned: Path) -> None:
    for path in (captioned, *captioned.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert all(found.startswith("red/") for found in read_everything(captioned))
    finally:
        for path in (captioned, *captioned.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
