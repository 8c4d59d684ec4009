"""One photo in object storage, handed about where a photo of this machine is a ``Path``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from photoseek.sources import object_store
from photoseek.system.filenames import as_name

if TYPE_CHECKING:
    from photoseek.sources.base import FoundPhoto
    from photoseek.sources.remote import RemoteFolder


BLOCK = 1 << 20
"""Bytes that are fetched at a time where parts are read."""


@dataclass(frozen=True)
class RemotePhoto:
    """An object in a bucket; nothing is asked of the storage before a method is called.

    Attributes:
        folder: Where it lies.
        path: Inside that, as :attr:`photoseek.search.hits.Hit.path` has it.
    """

    folder: RemoteFolder
    path: str

    def __str__(self) -> str:
        """Its address: ``s3://bucket/photos/a.jpg``."""
        return f"{self.folder.address}/{as_name(self.path)}"

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    def look(self) -> FoundPhoto:
        """Size and version now.

        Raises:
            PhotoUnreachable: It cannot be told now.
            PhotoError: It is gone, or lies outside the folder.
        """
        return self.folder.look(self.path)

    def read_bytes(self) -> bytes:
        """All of it, at most :data:`photoseek.photos.formats.MAX_BYTES`; the errors are those of :meth:`look`."""
        return self.folder.read(self.path)

    def open(self) -> BinaryIO:
        """A file from which parts can be read, each fetched when it is asked for; the errors are those of ``look``."""
        return self.folder.open(self.path)

    def blocks(self) -> Iterator[bytes]:
        """All of it, a mebibyte at a time; the errors are those of :meth:`look`, and come before the first block."""
        file = self.open()
        with object_store.told():
            first = file.read(BLOCK)

        def rest() -> Iterator[bytes]:
            with file:
                block = first
                while block:
                    yield block
                    block = file.read(BLOCK)

        return rest()
