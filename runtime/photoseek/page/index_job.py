"""Indexing in the background: one thread per folder, which every session of the server can watch and stop."""

from __future__ import annotations

import threading
from pathlib import Path

from photoseek.gallery.index_job import Job
from photoseek.system.user_paths import absolute

_jobs: dict[Path, Job] = {}
_lock = threading.Lock()


def start(folder: str, bundle: str, *, retry: bool = False) -> Job:
    """Start to index a folder, and return the job; a running job of the folder continues."""
    return begin(Job(absolute(folder), bundle, previews=True, retry=retry))


def begin(job: Job) -> Job:
    """Run a job in the background and return it, or the running job of its folder."""
    with _lock:
        before = _jobs.get(job.folder)
        if before is not None and before.running:
            return before
        _jobs[job.folder] = job
        return job.start()


def job_of(folder: str) -> Job | None:
    """Return the last job of a folder since the server started, or None."""
    return _jobs.get(absolute(folder)) if folder else None
