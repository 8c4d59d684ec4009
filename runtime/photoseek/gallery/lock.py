"""The lock of a gallery: one process writes at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from photoseek.errors import GalleryBusy
from photoseek.gallery.file_names import LOCK
from photoseek.gallery.writable import expect_writable
from photoseek.system.folder_tag import expect_file, mode_inside, open_file

_TRIES = 10
_PAUSE_S = 0.02  # is_writing holds the lock for microseconds


@contextmanager
def exclusive_writer(gallery: Path) -> Iterator[None]:
    """Lock a gallery for writing; the system releases the lock when the process ends.

    Raises:
        GalleryBusy: Another process writes it.
        GalleryError: Its folder cannot be written.
        GalleryDamaged: The lock is a symbolic link.
    """
    path = gallery / LOCK
    expect_file(path, "photoseek does not follow links inside a gallery; remove it")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with expect_writable(gallery):
        descriptor = open_file(path, flags, mode_inside(gallery) & 0o666)
    with os.fdopen(descriptor, "ab") as file:
        _lock(file, gallery)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child forked meanwhile has the file open as well


def is_writing(gallery: Path) -> bool:
    """Return whether any process, including this one, writes a gallery; no file is created or changed."""
    try:
        with os.fdopen(open_file(gallery / LOCK, os.O_RDONLY), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:  # never written, or the lock cannot be read
        return False
    return False


def _lock(file: IO[bytes], gallery: Path) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not tries_left:
                raise GalleryBusy(f"{gallery}: another process is indexing it; wait for it to finish") from error
            time.sleep(_PAUSE_S)
        else:
            return
