"""A folder of this machine, or of a disk that it has mounted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import GalleryNotFound
from photoseek.folders.folder import PhotoFolder
from photoseek.names import as_name
from photoseek.paths import shown, why_no_folder
from photoseek.photos.decode import read_photo
from photoseek.reading import read_still
from photoseek.scanning import FoundPhoto, Unseen, scan


@dataclass(frozen=True)
class LocalFolder:
    """A folder by its absolute path."""

    root: Path

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.root)

    @property
    def readers(self) -> int:
        """One: a second would take a core from the first."""
        return 1

    def expect(self) -> None:
        """Make sure that it is there.

        Raises:
            GalleryNotFound: It is not, or it cannot be read.
        """
        reason = why_no_folder(self.root)
        if reason is not None:
            raise GalleryNotFound(f"{shown(self.root)}: {reason}; name a folder of photos")

    def scan(self, unseen: Unseen) -> Iterator[FoundPhoto]:
        """As :func:`photoseek.scanning.scan`."""
        return scan(self.root, unseen)

    def read_still(self, photo: FoundPhoto) -> tuple[FoundPhoto, bytes] | None:
        """As :func:`photoseek.reading.read_still`."""
        return read_still(photo, self.root, read_photo)

    def photo(self, path: str) -> Path:
        """Where a photo lies, always inside: a gallery that was tampered with may hold a path that leads out."""
        name = as_name(path)
        if name.startswith("/") or ".." in name.split("/"):
            name = os.path.normpath(f"/{name}").lstrip("/")
        return self.root / name

    def holds_any(self, paths: Collection[str]) -> bool:
        """Whether one of these photos is in it."""
        return any(self.photo(path).is_file() for path in paths)

    def is_same(self, other: PhotoFolder) -> bool:
        """Whether two paths lead to the same folder, by a link, say."""
        if not isinstance(other, LocalFolder):
            return False
        try:
            return self.root == other.root or self.root.samefile(other.root)
        except OSError:
            return False
