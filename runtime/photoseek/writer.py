"""Being the only one who writes a gallery."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photoseek.errors import GalleryBusy

_LOCK = "LOCK"


@contextmanager
def only_writer(gallery: Path) -> Iterator[None]:
    """Be the only process that writes a gallery; the system lets go of the lock when the process ends.

    Raises:
        GalleryBusy: Another one is.
    """
    with (gallery / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GalleryBusy(f"{gallery}: another process is indexing it; wait for it to finish") from error
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child that was forked meanwhile has the file open, too
