"""Checks of database rows: the types of every row, and a comparison with the checksums and vectors of a snapshot.

SQLite's own check covers neither. Deleting an invalid row loses nothing: the next indexing finds the photo again, or
encodes its content again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from photoseek.errors import GalleryDamaged
from photoseek.gallery.database.bases import delete_base_records
from photoseek.gallery.database.bundles import list_bundles
from photoseek.gallery.database.database import SEARCHABLE, Database
from photoseek.gallery.database.records import StoredPhoto, unit_vectors
from photoseek.gallery.snapshot.columns import CAMERA
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.vectors import Rows

ROWS_REPAIR_HINT = "run `photoseek verify GALLERY --repair`, then `photoseek index PHOTOS`"

_AT_ONCE = 4_096  # rows in memory

_PHOTOS = (
    "SELECT id FROM photos WHERE typeof(path) != 'text' OR path = '' OR instr(path, char(0)) "
    "OR typeof(bytes) != 'integer' OR typeof(mtime_ns) != 'integer' OR typeof(ctime_ns) != 'integer' "
    "OR typeof(inode) != 'integer' "
    "OR (sha256 IS NOT NULL AND (typeof(sha256) != 'text' OR length(sha256) != 64)) "
    "OR (reason IS NOT NULL AND typeof(reason) != 'text')"
)
_METADATA = (
    " OR typeof(sidecar) != 'integer' OR typeof(xmp_taken) != 'text' OR typeof(sidecar_taken) != 'text' "
    "OR (titles IS NOT NULL AND typeof(titles) != 'text') OR typeof(keywords) != 'text' "
    "OR typeof(descriptions) != 'text'"
)
_CAMERA = " OR (camera IS NOT NULL AND typeof(camera) != 'text')"
_CONTENTS = (
    "SELECT rowid FROM vectors WHERE typeof(sha256) != 'text' OR length(sha256) != 64 OR typeof(width) != 'integer' "
    "OR typeof(height) != 'integer' OR typeof(taken) != 'text'"
)
_INCOMPLETE = " OR incomplete NOT IN (0, 1)"
_ORPHANS = "SELECT rowid FROM caption_vectors WHERE text NOT IN (SELECT text FROM captions)"


@dataclass(frozen=True)
class RowProblems:
    """Invalid rows, by row number. ``orphans`` are unused and harmless.

    Attributes:
        photos: Invalid photo rows.
        vectors: Rows of photo contents without a unit vector of the right length.
        sentences: Invalid caption vectors.
        orphans: Vectors of deleted captions.
        missing: Ids of photos of an up-to-date snapshot that the database lacks.
    """

    photos: list[int]
    vectors: list[int]
    sentences: list[int]
    orphans: list[int]
    missing: list[int]

    @property
    def is_fatal(self) -> bool:
        """Whether any of them could affect a search."""
        return bool(self.photos or self.vectors or self.sentences or self.missing)

    def __str__(self) -> str:
        counts = {
            "rows of photos": len(self.photos),
            "vectors of photos": len(self.vectors),
            "vectors of captions": len(self.sentences),
            "missing photos": len(self.missing),
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def rows_for(snapshot: Snapshot, database: Database, rows: Rows) -> tuple[dict[int, StoredPhoto], str]:
    """Return the photos in some rows of a snapshot that are still in the database, by id, and their folder's record.

    Raises:
        GalleryDamaged: One has another checksum, or is missing although the database has not changed since.
    """
    ids, manifest = snapshot.ids[rows].tolist(), snapshot.manifest
    found, folder = database.photos_in_folder(ids, manifest.fingerprint)
    recorded = zip(ids, snapshot.checksums[rows].tolist(), snapshot.columns.values[CAMERA][rows].tolist(), strict=True)
    for photo, checksum, camera in recorded:
        if photo in found and checksum != _checksum(found[photo], photo, camera):
            raise GalleryDamaged(f"{database.path}: checksum mismatch in photo row {photo}; {ROWS_REPAIR_HINT}")
    if len(found) < len(ids) and database.index_state(manifest.fingerprint) == manifest.state:
        missing = next(photo for photo in ids if photo not in found)
        raise GalleryDamaged(f"{database.path}: expected a row of photo {missing}, found none; {ROWS_REPAIR_HINT}")
    return found, folder


def find_bad_rows(database: Database, snapshots: Sequence[Snapshot] = ()) -> RowProblems:
    """Check every row of the database.

    Args:
        database: The database.
        snapshots: Verified ones that were made from it, with the checksums and vectors that its rows had.

    Raises:
        GalleryDamaged: The rows cannot be read.
    """
    dims = {record.fingerprint: record.dim for record in list_bundles(database)}
    newer = database.has_metadata
    kinds = _PHOTOS + (_METADATA if newer else "") + (_CAMERA if database.format >= 3 else "")
    photos = {row for (row,) in database.query(kinds)}
    contents = {row for (row,) in database.query(_CONTENTS + (_INCOMPLETE if newer else ""))}
    contents.update(_invalid_vectors(database, "vectors", dims))
    altered: list[tuple[int | None, int]] = []
    missing: set[int] = set()
    for snapshot in snapshots:
        mismatches, lost = _mismatches(database, snapshot)
        altered += [(photo, row) for photo, row in mismatches if row not in contents and photo not in photos]
        missing |= lost
    return RowProblems(
        photos=sorted(photos.union(photo for photo, _ in altered if photo is not None)),
        vectors=sorted(contents.union(row for _, row in altered)),
        sentences=list(_invalid_vectors(database, "caption_vectors", dims)),
        orphans=[row for (row,) in database.query(_ORPHANS)],
        missing=sorted(missing),
    )


def delete_rows(database: Database, problems: RowProblems) -> None:
    """Delete invalid rows in one transaction."""
    tables = {
        "photos": ("id", [*problems.photos, *problems.missing]),
        "vectors": ("rowid", problems.vectors),
        "caption_vectors": ("rowid", [*problems.sentences, *problems.orphans]),
    }
    with database.writing() as connection:
        for table, (key, rows) in tables.items():
            connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", ((row,) for row in rows))
        if problems.vectors:
            delete_base_records(connection)
        if problems.photos or problems.vectors or problems.missing:
            database.mark_changed()  # the next indexing finds missing photos again and rebuilds the snapshot


def _mismatches(database: Database, snapshot: Snapshot) -> tuple[list[tuple[int | None, int]], set[int]]:
    """Compare the database with a snapshot.

    Returns:
        Photo id and row number of each vector whose row or vector differs, the id None if the photo row is correct; and
        the ids of missing photos.
    """
    altered: list[tuple[int | None, int]] = []
    seen: set[int] = set()
    for start in range(0, len(snapshot.ids), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        ids, vectors, checksums = snapshot.ids[some], snapshot.vectors[some], snapshot.checksums[some]
        cameras = snapshot.columns.values[CAMERA][some]
        sql = f"SELECT id, vectors.rowid, vector, {database.facts} {SEARCHABLE} AND id BETWEEN ? AND ? ORDER BY id"
        for photo, row, blob, *facts in database.query(sql, snapshot.manifest.fingerprint, int(ids[0]), int(ids[-1])):
            at = int(np.searchsorted(ids, photo))
            if ids[at] != photo:
                continue
            seen.add(photo)
            same = int(checksums[at]) == _checksum(StoredPhoto(*facts), photo, cameras[at])
            if not same or blob != vectors[at].tobytes():
                altered.append((None if same else photo, row))
    fresh = snapshot.manifest.state == database.index_state(snapshot.manifest.fingerprint)
    return altered, set(snapshot.ids.tolist()) - seen if fresh else set()


def _checksum(stored: StoredPhoto, photo: int, camera: int) -> int:
    """Return the checksum of a row when a snapshot was written, which has no camera if that was read later."""
    return (stored if camera else replace(stored, camera="")).checksum(photo)


def _invalid_vectors(database: Database, table: str, dims: Mapping[str, int]) -> Iterator[int]:
    """Yield the rows whose vector is not a unit vector, or has another length than the other vectors of its bundle."""
    last = -(2**63)
    sql = f"SELECT rowid, fingerprint, vector FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {_AT_ONCE}"
    while rows := database.query(sql, last):
        last = rows[-1][0]
        yield from (row for row, fingerprint, blob in rows if not _is_unit(blob, dims.get(fingerprint)))


def _is_unit(blob: object, dim: int | None) -> bool:
    """Return whether a blob is a unit vector, of any length if ``dim`` is None."""
    length = dim or (len(blob) // 4 if isinstance(blob, bytes) else 0)
    try:
        unit_vectors([("", blob)], length)
    except ValueError:
        return False
    return True
