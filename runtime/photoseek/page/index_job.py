"""Indexing in the background: one thread per folder, which every session of the server can watch and stop."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryNotFound, PhotoseekError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.indexing.report import IndexReport, Progress
from photoseek.system.user_paths import absolute, printable

_log = logging.getLogger(__name__)

_jobs: dict[Path, Job] = {}
_lock = threading.Lock()


class _Stopped(Exception):
    """Raised between two batches; all encoded photos are committed."""


@dataclass
class Job:
    """The indexing of a folder.

    Attributes:
        folder: Photo folder or gallery.
        bundle: Bundle of a new gallery.
        progress: Current progress, or None before the photos are counted.
        report: Report of a completed run, or None.
        error: Error message of a failed run, or None.
    """

    folder: Path
    bundle: str
    progress: Progress | None = None
    report: IndexReport | None = None
    error: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether the job is neither complete nor stopped nor failed."""
        return not self._done.is_set()

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Stop the job after the current batch."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the job ends, and return whether it did."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Index the folder; all errors are stored in ``error``."""
        try:
            with self._gallery() as gallery:
                self.report = gallery.index(progress=self._update)
        except _Stopped:
            _log.info("%s: indexing was stopped", printable(self.folder))
        except PhotoseekError as error:
            self.error = str(error)
        except OSError as error:  # a full disk, or a read-only folder
            _log.warning("cannot index %s: %s", printable(self.folder), error)
            self.error = f"{printable(self.folder)}: {error.strerror or error}"
        except Exception as error:
            _log.exception("cannot index %s", printable(self.folder))
            self.error = str(error) or type(error).__name__
        finally:
            self._done.set()

    def _gallery(self) -> Gallery:
        try:
            return Gallery.open(self.folder, recover=True)
        except GalleryNotFound:
            return Gallery.create(self.folder, Bundle.load(self.bundle))

    def _update(self, progress: Progress) -> None:
        self.progress = progress
        if self._stop.is_set() and progress.phase == "encode":
            raise _Stopped


def start(folder: str, bundle: str) -> Job:
    """Start to index a folder, and return the job; a running job of the folder continues."""
    path = absolute(folder)
    with _lock:
        job = _jobs.get(path)
        if job is None or not job.running:
            job = _jobs[path] = Job(path, bundle)
            threading.Thread(target=job.run, name="photoseek-index", daemon=True).start()
        return job


def job_of(folder: str) -> Job | None:
    """Return the last job of a folder since the server started, or None."""
    return _jobs.get(absolute(folder)) if folder else None
