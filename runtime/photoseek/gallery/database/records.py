"""Rows of the database and their validation: SQLite has no checksums, so a damaged row may have any value."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from photoseek.photos.dates import DateSource, resolve_taken
from photoseek.photos.metadata import Metadata
from photoseek.sources.base import PhotoEntry
from photoseek.vectors import Vectors, not_unit


@dataclass(frozen=True)
class PhotoRecord:
    """A photo file, whether or not it could be read; ``reason`` says why it cannot be decoded."""

    found: PhotoEntry
    sha256: str | None = None
    reason: str | None = None
    metadata: Metadata = field(default_factory=Metadata)

    def columns(self) -> dict[str, object]:
        """Return its row, by column."""
        metadata = self.metadata
        return {
            **self.found._asdict(),
            "sha256": self.sha256,
            "reason": self.reason,
            "xmp_taken": metadata.xmp_taken,
            "sidecar_taken": metadata.sidecar_taken,
            "titles": "\n".join(metadata.titles),
            "keywords": "\n".join(metadata.keywords),
            "descriptions": "\n".join(metadata.descriptions),
            "camera": metadata.camera,
        }


@dataclass(frozen=True)
class ContentRecord:
    """The vector of a photo content by one bundle.

    Attributes:
        vector: A unit vector, (dim,).
        taken: ``YYYY-MM-DD HH:MM:SS``; empty if its EXIF has no date.
        incomplete: Whether the file ends early, see ``photoseek.photos.decode.Photo``.
    """

    sha256: str
    width: int
    height: int
    vector: Vectors
    taken: str = ""
    incomplete: bool = False

    def columns(self, fingerprint: str) -> dict[str, object]:
        """Return its row for a bundle, by column."""
        return {**vars(self), "fingerprint": fingerprint, "vector": vector_blob(self.vector)}


@dataclass(frozen=True)
class StoredPhoto:
    """A searchable photo.

    Attributes:
        path: Relative to the photo folder.
        width: Pixels of the upright photo.
        height: Pixels of the upright photo.
        exif: When it was taken by its EXIF; empty if that has no date.
        xmp: The same by the XMP in its file.
        sidecar: The same by the XMP files beside it.
        incomplete: Whether its file ends early.
        camera: Make and model by its EXIF; empty if that has neither.
    """

    path: str
    width: int
    height: int
    exif: str = ""
    xmp: str = ""
    sidecar: str = ""
    incomplete: bool = False
    camera: str = ""

    @property
    def taken(self) -> str:
        """When it was taken, by the first of EXIF, XMP, XMP files beside it, and the name; empty if none has a date."""
        return self.dated[0]

    @property
    def dated(self) -> tuple[str, DateSource | None]:
        """``taken``, and where it comes from; see ``resolve_taken``."""
        return resolve_taken(self.exif, self.xmp, self.sidecar, self.path)

    @classmethod
    def of_row(cls, path: object, width: object, height: object, *more: object) -> StoredPhoto:
        """Return the photo of a row.

        Raises:
            ValueError: The row is invalid.
        """
        if not isinstance(path, str) or "\0" in path or not isinstance(width, int) or not isinstance(height, int):
            raise ValueError(f"photo {path!r} is not a valid photo row")
        *dates, incomplete, camera = more
        if not isinstance(camera, str):
            raise ValueError(f"photo {path!r} has an invalid camera")
        exif, xmp, sidecar = (date if isinstance(date, str) else "?" for date in dates)  # "?" fails the checksum
        return cls(path, width, height, exif, xmp, sidecar, bool(incomplete), camera)

    def checksum(self, photo: int) -> int:
        """Return the CRC-32 of the row with a photo id; snapshots record it.

        Of a complete photo without dates by XMP and without a camera, it is that of database format 1, whose snapshots
        thus stay valid.
        """
        facts: tuple[object, ...] = (photo, self.path, self.width, self.height, self.exif)
        if self.xmp or self.sidecar:
            facts += (self.xmp, self.sidecar)
        if self.incomplete:
            facts += ("incomplete",)
        if self.camera:
            facts += ("camera", self.camera)
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
