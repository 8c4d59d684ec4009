"""Indexing in the background, which can be watched and stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryNotFound, PhotoseekError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.system.background_job import BackgroundJob
from photoseek.system.os_errors import describe_os_error
from photoseek.system.user_paths import printable

_log = logging.getLogger(__name__)

_MIN_ESTIMATE_S = 2.0  # before, an estimate jumps


class _Stopped(Exception):
    """Raised between two batches; all encoded photos are committed."""


@dataclass
class Job(BackgroundJob):
    """The indexing of a folder; it stops after the current batch.

    Attributes:
        folder: Photo folder or gallery.
        bundle: Bundle of a new gallery.
        progress: Current progress, or None before the first step.
        report: Report of a completed run, or None.
        error: Error message of a failed run, or None.
        clock: Returns the time in seconds.
        previews: Whether queries are answered meanwhile, as for ``Gallery.index``.
        retry: Whether to try unreadable photos again, as for ``Gallery.index``.
    """

    thread_name = "photoseek-index"

    folder: Path
    bundle: str
    progress: Progress | None = None
    report: IndexReport | None = None
    error: str | None = None
    clock: Callable[[], float] = time.monotonic
    previews: bool = False
    retry: bool = False
    _phase: tuple[float, int] = (0.0, 0)  # when the current phase began, and what was done then

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the current phase ends, or None if it is too early to say."""
        progress, (began, before) = self.progress, self._phase
        elapsed = self.clock() - began
        if progress is None or progress.done <= before or elapsed < _MIN_ESTIMATE_S:
            return None
        return elapsed * (progress.total - progress.done) / (progress.done - before)

    def _run(self) -> None:
        """Do the work; all errors are stored in ``error``."""
        try:
            self.report = self.work()
        except _Stopped:
            _log.info("%s: indexing was stopped", printable(self.folder))
        except PhotoseekError as error:
            self.error = str(error)
        except OSError as error:  # a full disk, or a read-only folder
            _log.warning("cannot index %s: %s", printable(self.folder), error)
            self.error = describe_os_error(error) if error.filename else f"{printable(self.folder)}: {error}"
        except Exception as error:
            _log.exception("cannot index %s", printable(self.folder))
            self.error = str(error) or type(error).__name__

    def work(self) -> IndexReport:
        """Index the folder, and return the report."""
        with self.open_gallery() as gallery:
            return gallery.index(progress=self.update, previews=self.previews, retry=self.retry)

    def update(self, progress: Progress) -> None:
        """Store the progress, and stop if requested; the index of all encoded photos is always built to its end."""
        if self.progress is None or self.progress.phase != progress.phase:
            self._phase = (self.clock(), progress.done)
        self.progress = progress
        if self.stopping and progress.phase != "build":
            raise _Stopped

    def open_gallery(self) -> Gallery:
        """Open the gallery of the folder, or create it."""
        try:
            return Gallery.open(self.folder, recover=True)
        except GalleryNotFound:
            return Gallery.create(self.folder, Bundle.load(self.bundle))
