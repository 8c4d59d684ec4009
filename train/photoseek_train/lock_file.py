"""Locks that keep two processes from writing the same files."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_log = logging.getLogger(__name__)


@contextmanager
def locked(path: Path, wait: bool) -> Iterator[None]:
    """Lock a file, which is created if needed, and stays, since other processes may wait for it.

    The system releases the lock when the process ends. Some file systems of clusters have no locks, which is logged.

    Args:
        path: The file.
        wait: Wait if another process has locked it.

    Raises:
        BlockingIOError: Another process has locked it, and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise
            _log.warning("%s: another process is writing to this folder; waiting for it to finish", path.parent)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            _log.warning("%s: cannot be locked (%s); let one process at a time use it", path.parent, error.strerror)
        yield
    finally:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child forked meanwhile has the file open as well
        os.close(descriptor)
