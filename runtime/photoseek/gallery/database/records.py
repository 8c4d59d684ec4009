"""Rows of the database and their validation: SQLite has no checksums, so a damaged row may have any value."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photoseek.sources.base import PhotoEntry
from photoseek.vectors import Vectors, not_unit


@dataclass(frozen=True)
class PhotoRecord:
    """A photo file, whether or not it could be read; ``reason`` says why it cannot be decoded."""

    found: PhotoEntry
    sha256: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ContentRecord:
    """The vector of a photo content by one bundle.

    Attributes:
        vector: A unit vector, (dim,).
        taken: ``YYYY-MM-DD HH:MM:SS``; empty if the photo has no date.
    """

    sha256: str
    width: int
    height: int
    vector: Vectors
    taken: str = ""


@dataclass(frozen=True)
class StoredPhoto:
    """A searchable photo; ``taken`` is empty if the photo has no date."""

    path: str
    width: int
    height: int
    taken: str = ""

    @classmethod
    def of_row(cls, path: object, width: object, height: object, taken: object) -> StoredPhoto:
        """Return the photo of a row.

        Raises:
            ValueError: The row is invalid.
        """
        if not isinstance(path, str) or "\0" in path or not isinstance(width, int) or not isinstance(height, int):
            raise ValueError(f"photo {path!r} is not a valid photo row")
        return cls(path, width, height, taken if isinstance(taken, str) else "?")  # fails the checksum

    def checksum(self, photo: int) -> int:
        """Return the CRC-32 of the row with a photo id; snapshots record it."""
        facts = (photo, self.path, self.width, self.height, self.taken)
        return zlib.crc32("\0".join(map(str, facts)).encode("utf-8", "surrogatepass"))


def vector_blob(vector: Vectors) -> bytes:
    """Return a vector as the database stores it."""
    return vector.astype("<f4").tobytes()


def unit_vectors(rows: Sequence[tuple[str, object]], dim: int) -> Vectors:
    """Return the stored vectors (n, dim) of rows, which are pairs of a name for messages and a blob.

    Raises:
        ValueError: One is not a unit vector of ``dim`` numbers.
    """
    blobs: list[bytes] = []
    for name, blob in rows:
        if not isinstance(blob, bytes) or len(blob) != 4 * dim:
            found = len(blob) if isinstance(blob, bytes) else repr(blob)
            raise ValueError(f"{name}: expected {4 * dim} bytes of a vector, found {found}")
        blobs.append(blob)
    vectors = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dim)
    if len(invalid := not_unit(vectors)):
        raise ValueError(f"{rows[invalid[0]][0]}: its vector is not a unit vector")
    return vectors
