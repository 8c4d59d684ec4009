"""The rows of a store, read from the gallery's database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.database import SEARCHABLE, Database
from photoseek.gallery.database.records import StoredPhoto
from photoseek.gallery.filters import camera_key, file_type, orientation
from photoseek.vectors import Rows, Vectors, not_unit

_IDS_PER_QUERY = 10_000  # SQLite takes 32,766 values in one statement


@dataclass(frozen=True)
class StoreRow:
    """A photo in a store.

    Attributes:
        id: Id in the gallery.
        digest: Hash of the other columns, a signed integer of 64 bits. Equal digests mean equal rows.
        path: Relative to the photo folder.
        taken: ``YYYY-MM-DD HH:MM:SS``; empty if unknown.
        pixels: Width times height.
        orientation: See ``Orientation``.
        type: File type by the file name extension; see ``file_type``.
        camera: What is compared of the camera's name, see ``camera_key``; empty if unknown.
        vector: Unit vector, (dim,).
    """

    id: int
    digest: int
    path: str
    taken: str
    pixels: int
    orientation: str
    type: str
    camera: str
    vector: Vectors

    @classmethod
    def of(
        cls, photo: int, path: str, width: int, height: int, taken: str, vector: Vectors, camera: str = ""
    ) -> StoreRow:
        """Return the row of a photo of the gallery."""
        kinds = orientation(width, height), file_type(path), camera_key(camera)
        facts = (path, taken, width * height, *kinds)
        content = repr(facts).encode("utf-8", "surrogatepass") + vector.tobytes()
        digest = int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True)
        return cls(photo, digest, *facts, vector)


@dataclass(frozen=True)
class Digests:
    """The digest of each row, sorted by id; both arrays are (n,), int64."""

    ids: Rows
    digests: Rows

    @classmethod
    def of(cls, pairs: Iterator[tuple[int, int]]) -> Digests:
        """Sort pairs of id and digest."""
        table = np.fromiter(pairs, dtype=[("id", "<i8"), ("digest", "<i8")])
        table.sort(order="id")
        return cls(np.ascontiguousarray(table["id"]), np.ascontiguousarray(table["digest"]))

    def to_insert(self, other: Digests) -> Rows:
        """Return the ids of rows that are missing in ``other`` or differ."""
        positions = np.minimum(np.searchsorted(other.ids, self.ids), max(len(other.ids) - 1, 0))
        if not len(other.ids):
            return self.ids
        same = (other.ids[positions] == self.ids) & (other.digests[positions] == self.digests)
        return np.asarray(self.ids[~same])

    def to_delete(self, other: Digests) -> Rows:
        """Return the ids that are missing in ``other``."""
        return np.setdiff1d(self.ids, other.ids, assume_unique=True)


def rows_of(database: Database, fingerprint: str, dim: int, ids: Sequence[int] | None = None) -> Iterator[StoreRow]:
    """Yield the rows of searchable photos by id: those with the given ids, or all.

    Raises:
        GalleryDamaged: A row is not a valid photo row.
    """
    columns = f"id, vector, {database.facts}"
    if ids is None:
        for row in database.rows(columns, fingerprint):
            yield _row(database, dim, *row)
        return
    for start in range(0, len(ids), _IDS_PER_QUERY):
        batch = ids[start : start + _IDS_PER_QUERY]
        sql = f"SELECT {columns} {SEARCHABLE} AND id IN ({','.join('?' * len(batch))}) ORDER BY id"
        for row in database.query(sql, fingerprint, *batch):
            yield _row(database, dim, *row)


def _row(database: Database, dim: int, photo: int, blob: object, *facts: object) -> StoreRow:
    match facts:
        case (str(path), int(width), int(height), str(), str(), str(), int(), str(camera)) if isinstance(blob, bytes):
            vector = np.frombuffer(blob, dtype="<f4") if len(blob) == 4 * dim else np.empty(0, dtype=np.float32)
            if len(vector) == dim and not len(not_unit(vector[None])):
                taken = StoredPhoto.of_row(*facts).taken
                return StoreRow.of(photo, path, width, height, taken, vector, camera)
    raise GalleryDamaged(
        f"{database.path}: photo {photo} is not a valid photo row; "
        "run `photoseek verify GALLERY --repair`, or restore a backup"
    )
