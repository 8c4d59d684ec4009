"""The lock that makes one process at a time the writer of a gallery."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from photoseek.errors import GalleryBusy

_LOCK = "LOCK"
_TRIES = 10
_PAUSE_S = 0.02  # is_writing holds the lock for microseconds


@contextmanager
def only_writer(gallery: Path) -> Iterator[None]:
    """Be the only process that writes a gallery; the system releases the lock when the process ends.

    Raises:
        GalleryBusy: Another process writes it.
    """
    with (gallery / _LOCK).open("a") as file:
        _lock(file, gallery)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child that was forked meanwhile has the file open, too


def is_writing(gallery: Path) -> bool:
    """Return whether a process, this one included, is the writer of a gallery; no file is created or changed."""
    try:
        with (gallery / _LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:  # there was no writer yet, or the lock cannot be read
        return False
    return False


def _lock(file: IO[str], gallery: Path) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not tries_left:
                raise GalleryBusy(f"{gallery}: another process is indexing it; wait for it to finish") from error
            time.sleep(_PAUSE_S)
        else:
            return
