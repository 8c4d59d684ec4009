"""Keep a gallery current: index its photos, then again whenever they change."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.errors import GalleryBusy, GalleryNotFound, MissingExtra, QueryError
from photoseek.sources.local import LocalSource, has_photo_suffix, is_skipped

if TYPE_CHECKING:
    from watchfiles import Change

    from photoseek.bundle.bundle import Bundle
    from photoseek.gallery.gallery import Gallery
    from photoseek.gallery.indexing.report import IndexReport, Progress

_log = logging.getLogger(__name__)

_TURN_MS = 500  # how often the folder itself is looked after, and a busy gallery tried again
_QUIET_S = 0.4  # photos that have kept their size and time for as long count as written
_MAX_WAIT_S = 30.0  # what is still written after that is left to its next change


def watch_gallery(
    gallery: Gallery,
    bundle: Bundle | None = None,
    *,
    precision: str | None = None,
    recall: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[IndexReport]:
    """Index a gallery, then again after each change in its folder; the parameters are those of ``Gallery.index``.

    Yields the report of the first indexing, then of each that changed something. Photos that are still being written
    are waited for. While the folder is away (unmounted, removed), or another process indexes the gallery, that is
    logged and waited for, too.

    Args:
        stop: Ends it when set. None: it goes on until it is closed, or interrupted.

    Raises:
        MissingExtra: watchfiles is not installed.
        QueryError: The photos lie in object storage, which tells nobody of its changes.
        PhotoseekError: The first indexing failed; see ``Gallery.index``.
    """
    if not isinstance(source := gallery.photo_folder, LocalSource):
        raise QueryError(
            f"{source.address}: expected a folder of this machine: object storage tells nobody of its changes; "
            "run photoseek index again from time to time, by cron for example"
        )
    watch = _watchfiles()
    stop = stop or threading.Event()

    def index() -> IndexReport:
        return gallery.index(bundle, precision=precision, recall=recall, progress=progress)

    first = False
    told = ""
    bad_before: object = None
    while not stop.is_set():
        root = gallery.photos_root
        identity = _identity(root)
        if identity is None and first:
            told = _report(f"{root}: cannot be read as a folder of photos", told)
            stop.wait(_TURN_MS / 1000)
            continue
        if identity is None:
            index()  # says what is wrong
        with closing(_changes(watch, root, gallery.path, stop)) as changes:
            due = True
            for changed in changes:
                if _identity(root) != identity:
                    break
                due = due or bool(changed)
                _wait_for_writes(changed, stop)
                if not due or stop.is_set():
                    continue
                try:
                    report = index()
                except (GalleryBusy, GalleryNotFound) as error:
                    if not first:
                        raise
                    told = _report(str(error), told)
                    continue
                due, told = False, ""
                bad = (report.unreadable, report.skipped)
                if not first or report.encoded or report.reused or report.removed or bad != bad_before:
                    yield report
                first, bad_before = True, bad


def require_watchfiles() -> bool:
    """Whether folders can be watched here."""
    return find_spec("watchfiles") is not None


def _watchfiles() -> Any:
    try:
        import watchfiles
    except ImportError as error:
        raise MissingExtra("watching needs watchfiles; install it with: pip install 'photoseek[watch]'") from error
    return watchfiles.watch


def _changes(watch: Any, root: Path, gallery: Path, stop: threading.Event) -> Generator[set[str]]:
    """Paths that changed, an empty set after each turn without; the first comes when the folder is watched."""

    def of_photos(_: Change, path: str) -> bool:
        place = Path(path)
        if place.is_relative_to(gallery) or any(map(is_skipped, place.relative_to(root).parts)):
            return False
        return has_photo_suffix(place.name) or place.is_dir() or not place.exists()  # gone: it may have been a folder

    turns = watch(
        root,
        watch_filter=of_photos,
        debounce=2 * _TURN_MS,
        rust_timeout=_TURN_MS,
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    )
    with closing(turns):
        for turn in turns:
            yield {path for _, path in turn}


def _wait_for_writes(paths: Iterable[str], stop: threading.Event) -> None:
    """Wait until files keep their size and time."""
    paths, end = list(paths), time.monotonic() + _MAX_WAIT_S
    before = None
    while paths and (now := [_state(path) for path in paths]) != before and time.monotonic() < end:
        before = now
        stop.wait(_QUIET_S)


def _state(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a name from watchfiles, of which nothing else is asked
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _identity(root: Path) -> tuple[int, int] | None:
    """What tells a folder from another one at its place; None where it cannot be read."""
    try:
        os.listdir(root)
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _report(what: str, told: str) -> str:
    """Log what is waited for, unless it was the last thing told; returns it."""
    if what != told:
        _log.warning("%s; going on when that is over", what)
    return what
