"""The search for near-duplicates in the background, once for each snapshot that all sessions of the server share."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from photoseek.gallery.snapshot.columns import PIXELS, TAKEN
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.search.near_duplicates import find_near_duplicates
from photoseek.system.background_job import BackgroundJob

_log = logging.getLogger(__name__)

_MOST = 4  # snapshots whose groups are kept
_jobs: OrderedDict[str, DuplicatesJob] = OrderedDict()
_lock = threading.Lock()


@dataclass
class DuplicatesJob(BackgroundJob):
    """The search in one snapshot.

    Attributes:
        snapshot: The snapshot.
        share: Share of the work that is done, within [0, 1].
        groups: Ids of the photos of each group, the largest photo first: groups with the most photos first, then those
            with the newest photo. None before the job has ended.
        failed: Whether the job has failed; the error is logged.
    """

    thread_name = "photoseek-duplicates"

    snapshot: Snapshot
    share: float = 0.0
    groups: list[list[int]] | None = None
    failed: bool = False

    def _run(self) -> None:
        try:
            values, ids = self.snapshot.columns.values, self.snapshot.ids
            found = find_near_duplicates(self.snapshot.vectors, values[PIXELS], self._update)
            found.sort(key=lambda rows: (-len(rows), -int(values[TAKEN][rows].max())))
            self.groups = [ids[rows].tolist() for rows in found]
        except Exception:
            _log.exception("cannot find near-duplicates in %s", self.snapshot.path)
            self.failed = True

    def _update(self, done: int, total: int) -> None:
        self.share = done / total


def duplicates_job(snapshot: Snapshot) -> DuplicatesJob:
    """Return the job of a snapshot, which is started unless it is known."""
    key = str(snapshot.path)
    with _lock:
        job = _jobs.get(key)
        if job is None or job.failed or job.snapshot.manifest != snapshot.manifest:
            job = _jobs[key] = DuplicatesJob(snapshot).start()
        _jobs.move_to_end(key)
        while len(_jobs) > _MOST:
            _jobs.popitem(last=False)
    return job
