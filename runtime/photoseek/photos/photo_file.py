"""A photo that can be read, wherever it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class StoredPhoto(Protocol):
    """A photo outside the file system, such as an object in a bucket; its text is its address.

    Each method raises ``PhotoUnreachable`` if the storage cannot be reached, and
    ``PhotoError`` if the photo does not exist or may not be read.
    """

    def __hash__(self) -> int:
        """Of its address: a key of caches."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    def version(self) -> tuple[int, int]:
        """Return what changes when the photo does: the time of its change in nanoseconds, and its size in bytes."""

    def read_bytes(self) -> bytes:
        """Return its bytes, at most ``MAX_BYTES``."""

    def open(self) -> BinaryIO:
        """Open it for random access; parts are fetched when they are read."""

    def iter_chunks(self) -> Iterator[bytes]:
        """Return its bytes block by block; errors are raised before the first block."""


PhotoFile: TypeAlias = Path | StoredPhoto
"""A photo: a file of this machine, or an object in a bucket."""
