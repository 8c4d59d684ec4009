"""Indexing of the service's gallery: one run at a time, in the background of the service."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from photoseek.errors import GalleryBusy, PhotoseekError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.index_job import Job
from photoseek.gallery.indexing.report import IndexReport
from photoseek.gallery.lock import is_writing
from photoseek.search.searcher import Searcher
from photoseek.service.errors import ApiError, ErrorBody
from photoseek.service.status_schemas import IndexCounts, IndexState, IndexStatus

_log = logging.getLogger(__name__)

_STOP_S = 8.0  # a batch takes less; what is not committed is encoded again

_BUSY = ErrorBody(
    code="gallery_busy", message="another process is indexing this gallery; try again when it has finished"
)
_FAILED = ErrorBody(code="indexing_failed", message="indexing failed; see the server log for details")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(kw_only=True)
class IndexJob(Job):
    """One run over the photo folder of the gallery, and no other.

    Attributes:
        started: When it started.
        finished: When it ended.
        busy: Whether it failed because another process was writing the gallery.
    """

    started: datetime = field(default_factory=_now)
    finished: datetime | None = None
    busy: bool = False

    def open_gallery(self) -> Gallery:
        """Open the gallery."""
        return Gallery.open(self.folder, recover=True)

    def work(self) -> IndexReport:
        """Index, and return the report."""
        try:
            return super().work()
        except PhotoseekError as error:
            _log.warning("cannot index: %s", error)
            self.busy = isinstance(error, GalleryBusy)
            raise
        finally:
            self.finished = _now()

    @property
    def state(self) -> IndexState:
        """The state of the run."""
        if self.running:
            return "stopping" if self.stopping else "running"
        if self.error is not None:
            return "failed"
        return "completed" if self.report is not None else "stopped"


class Indexing:
    """Starts, stops and reports the indexing of one gallery."""

    def __init__(self, searcher: Searcher) -> None:
        """Create it for the gallery of a searcher."""
        self._searcher = searcher
        self._job: IndexJob | None = None
        self._lock = threading.Lock()

    @property
    def _gallery(self) -> Path:
        return self._searcher.gallery.path

    def start(self) -> IndexStatus:
        """Start a run, and return its status.

        Raises:
            ApiError: 409, this service or another process is indexing.
        """
        with self._lock:
            if self._job is not None and self._job.running:
                message = "this service is indexing already; watch it with GET, or stop it with DELETE"
                raise ApiError(409, "already_indexing", message)
            if is_writing(self._gallery):
                raise ApiError(409, _BUSY.code, _BUSY.message)
            self._job = IndexJob(self._gallery, "")
            self._job.start()
        return self.status()

    def stop(self) -> IndexStatus:
        """Stop the run after the current batch, if there is one, and return the status."""
        if self._job is not None:
            self._job.stop()
        return self.status()

    def status(self) -> IndexStatus:
        """Return the status of the current or the last run."""
        job = self._job
        if job is None:
            return IndexStatus(state="idle", other_process=is_writing(self._gallery))
        state, progress = job.state, job.progress
        failure = None if state != "failed" else _BUSY if job.busy else _FAILED
        return IndexStatus(
            state=state,
            other_process=not job.running and is_writing(self._gallery),
            phase=None if progress is None else progress.phase,  # type: ignore[arg-type]  # of an index run
            done=0 if progress is None else progress.done,
            total=0 if progress is None else progress.total,
            seconds_left=job.seconds_left if job.running else None,
            started=job.started,
            finished=job.finished,
            report=None if job.report is None else _counts(job.report),
            error=failure,
        )

    def close(self) -> None:
        """Stop the run, and wait until it has ended."""
        if self._job is not None and self._job.running:
            self._job.stop()
            self._job.wait(_STOP_S)


def _counts(report: IndexReport) -> IndexCounts:
    return IndexCounts(
        photos=report.photos,
        encoded=report.encoded,
        reused=report.reused,
        unchanged=report.unchanged,
        removed=report.removed,
        unreadable=len(report.unreadable),
        skipped=len(report.skipped),
        skipped_bundles=[each.bundle for each in report.additional if each.problem is not None],
        seconds=round(report.seconds, 3),
    )
