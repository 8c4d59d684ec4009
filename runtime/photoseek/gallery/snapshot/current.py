"""``CURRENT``: the file with the name of the snapshot that answers queries, and the checksum of its manifest."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from photoseek.errors import GalleryDamaged
from photoseek.gallery.file_names import CURRENT, POINTER_DRAFT_NAME
from photoseek.system.atomic_write import fsync_dir, write_bytes_atomic
from photoseek.system.folder_tag import expect_file, open_file
from photoseek.system.removal import remove_file

REPAIR_HINT = "it is derived from the database: rebuild it with photoseek index PHOTOS"
LINK_HINT = "photoseek does not follow links inside a gallery; remove it, and run: photoseek index PHOTOS"

_POINTER = re.compile(r"(\d{1,18}) ([0-9a-f]{64})\n", re.ASCII)
_START = re.compile(r"(?:\d{1,18}(?: (?:[0-9a-f]{0,63}|[0-9a-f]{64}\n?))?)?", re.ASCII)
_MOST_BYTES = 84
_CLOCK_S = 2.0  # the coarsest clock of a file system; two changes within it may have the same time


class CurrentSnapshot:
    """The name of the current snapshot; ``CURRENT`` is read again only after it may have changed."""

    def __init__(self, gallery: Path) -> None:
        """Set the folder; nothing is read."""
        self._gallery = gallery
        self._file = str(gallery / CURRENT)
        self._read: tuple[tuple[int, ...], str | None] | None = None  # state of the file, and the name in it

    def name(self) -> str | None:
        """Return the name; None if there is no snapshot."""
        state = self._state()
        if self._read is not None and self._read[0] == state:
            return self._read[1]
        name = current_id(self._gallery)
        settled = state is not None and time.time() - max(state[2:]) / 1e9 > _CLOCK_S
        self._read = (state, name) if state is not None and settled else None
        return name

    def _state(self) -> tuple[int, ...] | None:
        """Return inode, size, mtime and ctime of the file; None if it cannot be accessed."""
        try:
            status = os.lstat(self._file)  # each query calls it, and a Path costs more than the call
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def current_id(gallery: Path) -> str | None:
    """Return the name of the current snapshot; None if there is none."""
    current = read_current(gallery)
    return None if current is None else current[0]


def clear_current(gallery: Path) -> None:
    """Remove ``CURRENT``: the database has no searchable photo."""
    remove_file(gallery / CURRENT)
    fsync_dir(gallery)


def read_current(gallery: Path) -> tuple[str, str] | None:
    """Return name and manifest checksum of the current snapshot, in one read, since it may be replaced at any time."""
    path = gallery / CURRENT
    expect_file(path, LINK_HINT)
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), encoding="ascii") as file:
            found = _POINTER.fullmatch(file.read(_MOST_BYTES + 1))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise GalleryDamaged(f"{path}: cannot be read: {error}; {REPAIR_HINT}") from error
    if found is None:
        raise GalleryDamaged(f"{path}: cannot be read: expected a number and a sha256; {REPAIR_HINT}")
    return found[1], found[2]


def write_current(gallery: Path, name: str, checksum: str) -> None:
    """Make a snapshot the current one; ``checksum`` is the SHA-256 of its manifest."""
    write_bytes_atomic(gallery / CURRENT, f"{name} {checksum}\n".encode())


def is_pointer_draft(path: Path) -> bool:
    """Return whether a file is an incomplete ``CURRENT`` of a killed process, by its name and its content."""
    if not POINTER_DRAFT_NAME.fullmatch(path.name):
        return False
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), encoding="ascii") as file:
            return _START.fullmatch(file.read(_MOST_BYTES + 1)) is not None
    except (OSError, ValueError):
        return False
