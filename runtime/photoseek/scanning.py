"""Which photos a folder holds."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import GalleryNotFound
from photoseek.photos import SUFFIXES

_log = logging.getLogger(__name__)

_SKIPPED = frozenset({"@eaDir", "node_modules", "System Volume Information", "$RECYCLE.BIN"})


@dataclass(frozen=True)
class FoundPhoto:
    """A file that looks like a photo; ``path`` is relative to the folder, with forward slashes."""

    path: str
    bytes: int
    mtime_ns: int


def scan(folder: Path) -> Iterator[FoundPhoto]:
    """Regular files with a photo's suffix, in the order of their names, folder by folder.

    Hidden files and folders and those that systems keep for themselves are passed over. Linked files count,
    linked folders are not followed, so that a scan always ends. What vanishes meanwhile, or may not be read, is
    passed over.

    Raises:
        GalleryNotFound: No such folder, or it may not be read.
    """
    try:
        os.listdir(folder)
    except OSError as error:
        raise GalleryNotFound(f"{folder}: cannot be read as a folder of photos: {error.strerror}") from error
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _passed_over(name))
        for name in sorted(names):
            if not _passed_over(name) and Path(name).suffix.lower() in SUFFIXES:
                yield from _found(Path(root, name), folder)


def _found(path: Path, folder: Path) -> Iterator[FoundPhoto]:
    try:
        status = path.stat()
        str(path).encode()
    except OSError:
        return
    except UnicodeEncodeError:
        _log.warning("passed over %r: its name is not UTF-8; rename it to have it found", str(path))
        return
    if stat.S_ISREG(status.st_mode):
        yield FoundPhoto(path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns)


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED
