"""Watching a gallery indexes changes of its folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import GalleryNotFound, MissingExtra
from photoseek.gallery.indexing.report import IndexReport
from photoseek.gallery.lock import exclusive_writer
from photoseek.gallery.watch import require_watchfiles, watch_gallery
from tiny_bundle import COLORS
from tiny_photos import write_color
from typed_commands import environment

needs_watchfiles = pytest.mark.skipif(not require_watchfiles(), reason="watchfiles is not installed (extra: watch)")


class Watcher:
    """A gallery watched in a thread, and its reports."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.reports: list[IndexReport] = []
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        for report in watch_gallery(self.gallery, stop=self.stop, poll_ms=60, settle_s=0.3):
            self.reports.append(report)

    def until(self, met: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not met():
            assert time.monotonic() < end, self.reports
            assert self._thread.is_alive()
            time.sleep(0.02)

    def end(self) -> None:
        self.stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def watcher(photos: Path, tiny_bundle: Bundle) -> Iterator[Watcher]:
    watcher = Watcher(Gallery.create(photos, tiny_bundle))
    yield watcher
    watcher.end()


def best(gallery: Gallery) -> str:
    return Searcher(gallery).search("red", k=1)[0].path


@needs_watchfiles
def test_added_changed_renamed_and_removed_photos_are_indexed(watcher: Watcher, photos: Path) -> None:
    gallery = watcher.gallery
    watcher.until(lambda: len(watcher.reports) == 1)
    assert watcher.reports[0].encoded == 24
    write_color(photos / "new.png", COLORS["red"], seed=900)
    watcher.until(lambda: "new.png" in gallery.database.paths())
    (photos / "red").rename(photos / "v1.0")  # watchfiles reports the folder alone
    watcher.until(lambda: "v1.0/red-0.png" in gallery.database.paths())
    watcher.until(lambda: "red/red-0.png" not in gallery.database.paths())
    (photos / "new.png").unlink()
    watcher.until(lambda: (watcher.reports[-1].photos, watcher.reports[-1].removed) == (24, 1))
    assert sum(report.encoded for report in watcher.reports) == 25
    count = len(watcher.reports)
    (photos / "notes.txt").write_text("no photo")
    (photos / ".hidden.png").write_bytes(b"")
    time.sleep(0.5)
    assert len(watcher.reports) == count  # neither those nor the gallery's files are a change
    assert best(gallery).startswith("v1.0/")


@needs_watchfiles
def test_a_photo_is_indexed_when_it_is_completely_written(watcher: Watcher, photos: Path, tmp_path: Path) -> None:
    watcher.until(lambda: len(watcher.reports) == 1)
    data = write_color(tmp_path / "complete.png", COLORS["red"], seed=900).read_bytes()
    with (photos / "slow.png").open("wb", buffering=0) as file:
        for start in range(0, len(data), len(data) // 10):
            file.write(data[start : start + len(data) // 10])
            time.sleep(0.12)
    watcher.until(lambda: "slow.png" in watcher.gallery.database.paths())
    assert [report.unreadable for report in watcher.reports] == [[]] * len(watcher.reports)


@needs_watchfiles
def test_watching_resumes_when_the_folder_returns(
    watcher: Watcher, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its photos are not removed from the gallery meanwhile."""
    watcher.end()
    elsewhere = Watcher(Gallery.create(photos, watcher.gallery.bundles.load(), tmp_path / "elsewhere"))
    try:
        elsewhere.until(lambda: len(elsewhere.reports) == 1)
        photos.rename(tmp_path / "aside")
        elsewhere.until(lambda: "cannot be read as a folder of photos; watching resumes afterward" in caplog.text)
        photos.mkdir()  # an empty mount point
        elsewhere.until(lambda: "no photo found where 24 were" in caplog.text)
        photos.rmdir()
        (tmp_path / "aside").rename(photos)
        write_color(photos / "new.png", COLORS["red"], seed=900)
        elsewhere.until(lambda: len(elsewhere.reports) == 2)
        assert (elsewhere.reports[1].encoded, elsewhere.reports[1].unchanged) == (1, 24)
    finally:
        elsewhere.end()


@needs_watchfiles
def test_watching_resumes_after_a_writer(watcher: Watcher, photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher.until(lambda: len(watcher.reports) == 1)
    with exclusive_writer(watcher.gallery.path):
        write_color(photos / "new.png", COLORS["red"], seed=900)
        watcher.until(lambda: "another process is indexing it" in caplog.text)
    watcher.until(lambda: len(watcher.reports) == 2)
    assert watcher.reports[1].encoded == 1


@needs_watchfiles
def test_watching_a_missing_folder_fails(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    moved = Gallery.create(photos, gallery.bundles.load(), tmp_path / "elsewhere")
    photos.rename(tmp_path / "aside")
    with pytest.raises(GalleryNotFound, match="cannot be read as a folder of photos"):
        next(watch_gallery(moved, Bundle.load(moved.database.meta()["bundle"])))


def test_the_error_without_watchfiles_names_the_extra(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(MissingExtra, match=r"pip install 'photoseek\[watch\]'"):
        next(watch_gallery(gallery))


@needs_watchfiles
def test_the_command_prints_one_line_per_update_until_ctrl_c(photos: Path, tiny_bundle_path: Path) -> None:
    words = ["index", photos, "--bundle", tiny_bundle_path, "--watch", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "photoseek", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
        preexec_fn=_enable_ctrl_c,
    )
    try:
        assert process.stdout is not None
        first: dict[str, Any] = json.loads(process.stdout.readline())
        write_color(photos / "new.png", COLORS["red"], seed=900)
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (first["encoded"], second["encoded"], second["unchanged"]) == (24, 1, 24)
    assert process.returncode == 130
    assert errors.strip() == "photoseek: stopped watching; encoded photos are saved"


def _enable_ctrl_c() -> None:
    """Background processes of a shell ignore it, and so do their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
