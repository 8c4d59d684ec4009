"""Photos as the database stores them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from photoseek.sources.base import PhotoEntry
from photoseek.vectors import Vectors


@dataclass(frozen=True)
class PhotoRecord:
    """A file that was looked at; ``reason`` is set where it cannot be decoded."""

    found: PhotoEntry
    sha256: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ContentRecord:
    """What a bundle made of one photo content.

    Attributes:
        vector: A unit vector, (dim,).
        taken: ``YYYY-MM-DD HH:MM:SS``; empty where the photo does not tell.
    """

    sha256: str
    width: int
    height: int
    vector: Vectors
    taken: str = ""


@dataclass(frozen=True)
class StoredPhoto:
    """A readable photo of the gallery, as a hit shows it; ``taken`` is empty where the photo does not say."""

    path: str
    width: int
    height: int
    taken: str = ""

    def check(self, photo: int) -> int:
        """CRC-32 of the row of a photo id: SQLite has no checksums, and a generation records these."""
        facts = (photo, self.path, self.width, self.height, self.taken)
        return zlib.crc32("\0".join(map(str, facts)).encode("utf-8", "surrogatepass"))
