"""Keep a gallery up to date: index its photos, then again whenever they change."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.errors import GalleryBusy, GalleryNotFound, MissingExtra, QueryError
from photoseek.gallery.database.excluded import excluded_patterns
from photoseek.sources.exclusion import IGNORE_FILE, MARKERS, FolderRules, is_left_out
from photoseek.sources.local import LocalSource, has_photo_suffix
from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from watchfiles import Change

    from photoseek.bundle.bundle import Bundle
    from photoseek.gallery.gallery import Gallery
    from photoseek.gallery.indexing.report import IndexReport, Progress

_log = logging.getLogger(__name__)

_MAX_WAIT_S = 30.0  # for files that are being written; longer writes are indexed after their next change


def watch_gallery(
    gallery: Gallery,
    bundle: Bundle | None = None,
    *,
    precision: str | None = None,
    recall: float | None = None,
    exclude: Collection[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    poll_ms: int = 500,
    settle_s: float = 0.4,
) -> Iterator[IndexReport]:
    """Index a gallery, then again after each change in its folder.

    Yields the report of the first indexing, then of each that changed something. If the folder becomes unavailable
    (unmounted, removed) or another process indexes the gallery, that is logged, and watching resumes afterward.

    Args:
        gallery: The gallery.
        bundle: As for ``Gallery.index``, like ``precision``, ``recall``, ``exclude`` and ``progress``.
        stop: Ends watching when set. None: it runs until the generator is closed, or interrupted.
        poll_ms: Interval of checks that the folder exists, and of retries while the gallery is busy.
        settle_s: Seconds for which size and time of a file must be unchanged to count as completely written.

    Raises:
        MissingExtra: watchfiles is not installed.
        QueryError: The photos are in object storage, which does not report changes.
        PhotoseekError: The first indexing failed; see ``Gallery.index``.
    """
    if not isinstance(source := gallery.photos.source, LocalSource):
        raise QueryError(
            f"{source.address}: expected a folder of this machine: object storage does not report changes; "
            "run photoseek index regularly, for example with cron"
        )
    index = partial(gallery.index, bundle, precision=precision, recall=recall, exclude=exclude, progress=progress)
    yield from _Watcher(gallery, index, _watchfiles(), stop or threading.Event(), poll_ms, settle_s).reports()


def require_watchfiles() -> bool:
    """Return whether watchfiles is installed."""
    return find_spec("watchfiles") is not None


@dataclass
class _Watcher:
    gallery: Gallery
    index: Callable[[], IndexReport]
    watch: Any
    stop: threading.Event
    poll_ms: int
    settle_s: float
    started: bool = False  # whether the first indexing succeeded
    logged: str = ""  # the last logged reason to wait
    problems: object = None  # of the last report

    def reports(self) -> Iterator[IndexReport]:
        """Index and watch, and start again whenever the folder is replaced."""
        while not self.stop.is_set():
            root = self.gallery.photos.root
            identity = _identity(root)
            if identity is None and self.started:
                self._log_once(f"{root}: cannot be read as a folder of photos")
                self.stop.wait(self.poll_ms / 1000)
                continue
            if identity is None:
                self.index()  # raises the reason
            yield from self._follow(root, identity)

    def _follow(self, root: Path, identity: tuple[int, int] | None) -> Iterator[IndexReport]:
        """Index, then again after each change, until another folder is at the path."""
        with closing(self._changes(root)) as changes:
            due = True
            for changed in changes:
                if _identity(root) != identity:
                    return
                due = due or bool(changed)
                self._wait_for_writes(changed)
                if due and not self.stop.is_set() and (report := self._try_index()) is not None:
                    due = False
                    if self._is_news(report):
                        yield report

    def _try_index(self) -> IndexReport | None:
        """Index; None if the gallery is busy or its photos are unavailable, unless it was never indexed."""
        try:
            report = self.index()
        except (GalleryBusy, GalleryNotFound) as error:
            if not self.started:
                raise
            self._log_once(str(error))
            return None
        self.logged = ""
        return report

    def _is_news(self, report: IndexReport) -> bool:
        """Return whether a report is the first one, or has changes."""
        problems = (report.unreadable, report.skipped)
        changed = bool(report.encoded or report.reused or report.removed) or problems != self.problems
        first, self.started, self.problems = not self.started, True, problems
        return first or changed

    def _changes(self, root: Path) -> Generator[set[str]]:
        """Yield changed paths, or an empty set after an interval without changes, once watching has started."""

        def is_relevant(_: Change, path: str) -> bool:
            place = Path(path)
            rule_file = place.name == IGNORE_FILE or place.name in MARKERS
            parts = [decode_filename(part) for part in place.relative_to(root).parts[: -1 if rule_file else None]]
            rules = _rules(root.name, tuple(excluded_patterns(self.gallery.database)))
            if place.is_relative_to(self.gallery.path) or is_left_out(rules, parts):
                return False
            may_be_folder = place.is_dir() or not place.exists()
            return rule_file or has_photo_suffix(place.name) or may_be_folder

        turns = self.watch(
            root,
            watch_filter=is_relevant,
            debounce=2 * self.poll_ms,
            rust_timeout=self.poll_ms,
            yield_on_timeout=True,
            stop_event=self.stop,
            ignore_permission_denied=True,
        )
        with closing(turns):
            for turn in turns:
                yield {path for _, path in turn}

    def _wait_for_writes(self, paths: Iterable[str]) -> None:
        """Wait until files keep their size and time."""
        paths, end = list(paths), time.monotonic() + _MAX_WAIT_S
        before = None
        while paths and (now := [_state(path) for path in paths]) != before and time.monotonic() < end:
            before = now
            self.stop.wait(self.settle_s)

    def _log_once(self, reason: str) -> None:
        """Log why indexing waits, unless it was the last thing logged."""
        if reason != self.logged:
            _log.warning("%s; watching resumes afterward", reason)
        self.logged = reason


def _watchfiles() -> Any:
    try:
        import watchfiles
    except ImportError as error:
        raise MissingExtra("watching needs watchfiles; install it with: pip install 'photoseek[watch]'") from error
    return watchfiles.watch


@lru_cache(maxsize=1)
def _rules(name: str, exclude: tuple[str, ...]) -> FolderRules:
    return FolderRules.of_photo_folder(name, exclude)


def _state(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a name from watchfiles that needs no other Path method
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _identity(root: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder; None if it cannot be read."""
    try:
        os.listdir(root)
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
