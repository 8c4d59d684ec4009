"""What indexing and searching ask of a place with photos, wherever it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias

from photoseek.folders.remote_photo import RemotePhoto
from photoseek.scanning import FoundPhoto, Unseen

PhotoFile: TypeAlias = Path | RemotePhoto
"""A photo: a file of this machine, or an object in a bucket."""


class PhotoFolder(Protocol):
    """A place with photos, each known by its path inside, with forward slashes."""

    @property
    def address(self) -> str:
        """How people name it: a path, or ``s3://bucket/photos``."""

    @property
    def readers(self) -> int:
        """How many photos one worker best reads at the same time: more than one where reading is waiting."""

    def expect(self) -> None:
        """Make sure that it is there.

        Raises:
            GalleryNotFound: It is not.
            FolderUnreachable: It cannot be told now.
        """

    def scan(self, unseen: Unseen) -> Iterator[FoundPhoto]:
        """Every photo in it; what cannot be looked into is noted in ``unseen``.

        Raises:
            GalleryNotFound: It is not there.
            FolderUnreachable: It cannot be listed to the end, which says nothing of its photos.
        """

    def read_still(self, photo: FoundPhoto) -> tuple[FoundPhoto, bytes] | None:
        """The bytes of a photo, and the size and time that belong to them; None where it is not there any more.

        Raises:
            PhotoUnreachable: It cannot be told now what is there.
            PhotoError: It cannot be read.
        """

    def photo(self, path: str) -> PhotoFile:
        """The photo at a path, whether or not it is there."""

    def holds_any(self, paths: Collection[str]) -> bool:
        """Whether one of these photos is in it."""

    def is_same(self, other: PhotoFolder) -> bool:
        """Whether another one is this very place."""
