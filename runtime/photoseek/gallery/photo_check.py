"""Whether each photo of a gallery still has the content that was encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from photoseek.errors import PhotoError
from photoseek.gallery.database.database import Database
from photoseek.photos.decode import read_photo
from photoseek.sources.base import PhotoSource
from photoseek.system.cpu import available_cores

_AT_ONCE = 64  # photos whose content may be in memory, or that an interruption waits for


@dataclass(frozen=True)
class PhotoMismatch:
    """A photo whose content is not the one that was encoded.

    Attributes:
        path: Inside the photo folder.
        reason: What was found.
    """

    path: str
    reason: str


def check_photos(database: Database, folder: PhotoSource, progress: Callable[[int, int], None]) -> list[PhotoMismatch]:
    """Read each photo of a gallery, and compare its SHA-256 with the one in the database; nothing is written.

    Args:
        database: The gallery's.
        folder: Where its photos are.
        progress: Called with the number of photos that were read and their total, in the calling thread.

    Returns:
        The photos that are missing, cannot be read or have another content, by path. A photo that could not be decoded
        when it was indexed is compared, too; one that could not even be read then is not.
    """
    expected = [(path, sha256) for path, (sha256, _) in database.contents().items() if sha256 is not None]
    wrong: list[PhotoMismatch] = []
    progress(0, len(expected))
    with ThreadPoolExecutor(
        max(available_cores(), folder.read_concurrency), thread_name_prefix="photoseek-hash"
    ) as pool:
        for start, part in _parts(expected):
            reasons = pool.map(lambda photo: _mismatch(folder, *photo), part)
            wrong += [PhotoMismatch(path, reason) for (path, _), reason in zip(part, reasons, strict=True) if reason]
            progress(start + len(part), len(expected))
    return wrong


def _parts(photos: Sequence[tuple[str, str]]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    waiting = iter(photos)
    start = 0
    while part := list(islice(waiting, _AT_ONCE)):
        yield start, part
        start += len(part)


def _mismatch(folder: PhotoSource, path: str, sha256: str) -> str | None:
    """What is wrong with a photo; None if it has the content."""
    try:
        data = read_photo(folder.photo_file(path))
    except PhotoError as error:
        return "missing" if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError) else str(error)
    return None if hashlib.sha256(data).hexdigest() == sha256 else "its content is not the one that was encoded"
