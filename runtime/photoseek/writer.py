"""Being the only one who writes a gallery."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photoseek.errors import GalleryBusy
from photoseek.gallery_files import LOCK
from photoseek.tagging import expect_file, mode_inside, open_file


@contextmanager
def only_writer(gallery: Path) -> Iterator[None]:
    """Be the only process that writes a gallery; the system lets go of the lock when the process ends.

    Raises:
        GalleryBusy: Another one is.
        GalleryDamaged: The lock is a symbolic link.
    """
    path = gallery / LOCK
    expect_file(path, "photoseek does not follow links inside a gallery; remove it")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(open_file(path, flags, mode_inside(gallery) & 0o666), "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GalleryBusy(f"{gallery}: another process is indexing it; wait for it to finish") from error
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child that was forked meanwhile has the file open, too
