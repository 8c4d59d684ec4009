"""Comparison of the photos of a gallery with the contents that were encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from photoseek.errors import PhotoError
from photoseek.gallery.database.database import Database
from photoseek.photos.decode import read_photo
from photoseek.sources.base import PhotoSource
from photoseek.system.cpu import available_cores

_AT_ONCE = 64  # photos that may be in memory, and that an interruption waits for


@dataclass(frozen=True)
class PhotoMismatch:
    """A photo whose content differs from what was encoded; ``path`` is relative to the photo folder."""

    path: str
    reason: str


def check_photos(database: Database, folder: PhotoSource, progress: Callable[[int, int], None]) -> list[PhotoMismatch]:
    """Read each photo of a gallery, and compare its SHA-256 with the database; nothing is written.

    Args:
        database: The database of the gallery.
        folder: Its photo folder.
        progress: Called with the number of photos read and their total, in the calling thread.

    Returns:
        Photos that are missing, unreadable or changed, by path. Photos that could not be decoded when they were
        indexed are compared as well; those that could not be read then are not.
    """
    expected = [(path, sha256) for path, (sha256, _) in database.contents().items() if sha256 is not None]
    wrong: list[PhotoMismatch] = []
    progress(0, len(expected))
    with ThreadPoolExecutor(
        max(available_cores(), folder.read_concurrency), thread_name_prefix="photoseek-hash"
    ) as pool:
        for start in range(0, len(expected), _AT_ONCE):
            part = expected[start : start + _AT_ONCE]
            reasons = pool.map(lambda photo: _mismatch(folder, *photo), part)
            wrong += [PhotoMismatch(path, reason) for (path, _), reason in zip(part, reasons, strict=True) if reason]
            progress(start + len(part), len(expected))
    return wrong


def _mismatch(folder: PhotoSource, path: str, sha256: str) -> str | None:
    """Return the problem of a photo; None if its content is the expected one."""
    try:
        data = read_photo(folder.photo_file(path))
    except PhotoError as error:
        return "missing" if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError) else str(error)
    return None if hashlib.sha256(data).hexdigest() == sha256 else "its content differs from what was encoded"
