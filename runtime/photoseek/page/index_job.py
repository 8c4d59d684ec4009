"""Indexing in the background: a thread for each folder, which every session of the server can watch and stop."""

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
    """Raised between two batches; what was encoded until then is committed."""


@dataclass
class Job:
    """The indexing of a folder.

    Attributes:
        folder: Of photos, or a gallery.
        bundle: What encodes the photos where the folder has no gallery yet.
        progress: How far it has come; None before the photos are counted.
        report: What it did; None unless it came to its end.
        problem: Why it failed; None unless it did.
    """

    folder: Path
    bundle: str
    progress: Progress | None = None
    report: IndexReport | None = None
    problem: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether it has not ended in any way."""
        return not self._done.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Have it end after the batch that is under way."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tells whether that came."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Index; no error leaves the thread."""
        try:
            with self._gallery() as gallery:
                self.report = gallery.index(progress=self._tell)
        except _Stopped:
            _log.info("%s: indexing was stopped", printable(self.folder))
        except PhotoseekError as error:
            self.problem = str(error)
        except OSError as error:  # a full disk, or a folder that nothing can be written into
            _log.warning("%s could not be indexed: %s", printable(self.folder), error)
            self.problem = f"{printable(self.folder)}: {error.strerror or error}"
        except Exception as error:
            _log.exception("%s could not be indexed", printable(self.folder))
            self.problem = str(error) or type(error).__name__
        finally:
            self._done.set()

    def _gallery(self) -> Gallery:
        try:
            return Gallery.open(self.folder, recover=True)
        except GalleryNotFound:
            return Gallery.create(self.folder, Bundle.load(self.bundle))

    def _tell(self, progress: Progress) -> None:
        self.progress = progress
        if self._stop.is_set() and progress.phase == "encode":
            raise _Stopped


def start(folder: str, bundle: str) -> Job:
    """Begin to index a folder, unless that is under way."""
    place = _place(folder)
    with _lock:
        job = _jobs.get(place)
        if job is None or not job.running:
            job = _jobs[place] = Job(place, bundle)
            threading.Thread(target=job.run, name="photoseek-index", daemon=True).start()
        return job


def job_of(folder: str) -> Job | None:
    """The last indexing of a folder since the server began."""
    return _jobs.get(_place(folder)) if folder else None


def _place(folder: str) -> Path:
    return absolute(folder)
