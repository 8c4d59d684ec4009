"""A photo file, local or in object storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class StoredPhoto(Protocol):
    """A photo outside the file system, such as an object in a bucket; ``str`` returns its address.

    Each method raises ``PhotoUnreachable`` if the storage cannot be reached, and ``PhotoError`` if the photo does not
    exist or must not be read.
    """

    def __hash__(self) -> int:
        """Return a hash of its address; caches use it as a key."""

    @property
    def name(self) -> str:
        """The last component of its path."""

    def version(self) -> tuple[int, int]:
        """Return a version that changes with the photo: modification time in nanoseconds, and size in bytes."""

    def read_bytes(self) -> bytes:
        """Return its content, at most ``MAX_BYTES``."""

    def open(self) -> BinaryIO:
        """Open it for random access; blocks are fetched when they are read."""

    def iter_chunks(self) -> Iterator[bytes]:
        """Return its content in chunks; errors are raised before the first chunk."""


PhotoFile: TypeAlias = Path | StoredPhoto
"""A photo: a local file, or an object in a bucket."""
