"""What may be wrong with the rows of ``gallery.sqlite``, which SQLite's own check says nothing of, and dropping those.

Nothing is lost by it: a photo without its row is found again, and one without its vector encoded again, by the next
indexing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from photoseek.gallery.database.bundles import list_bundles
from photoseek.gallery.database.database import Database, StoredPhoto
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.vectors import not_unit

_AT_ONCE = 4_096  # vectors in memory

_PHOTOS = (
    "SELECT id FROM photos WHERE typeof(path) != 'text' OR path = '' OR instr(path, char(0)) "
    "OR typeof(bytes) != 'integer' OR typeof(mtime_ns) != 'integer' OR typeof(ctime_ns) != 'integer' "
    "OR typeof(inode) != 'integer' "
    "OR (sha256 IS NOT NULL AND (typeof(sha256) != 'text' OR length(sha256) != 64)) "
    "OR (reason IS NOT NULL AND typeof(reason) != 'text')"
)
_CONTENTS = (
    "SELECT rowid FROM vectors WHERE typeof(sha256) != 'text' OR length(sha256) != 64 OR typeof(width) != 'integer' "
    "OR typeof(height) != 'integer' OR typeof(taken) != 'text'"
)
_WRITTEN = (
    "SELECT id, vectors.rowid, vector, path, width, height, taken FROM photos JOIN vectors USING (sha256) "
    "WHERE fingerprint = ? AND reason IS NULL AND id BETWEEN ? AND ? ORDER BY id"
)
_ORPHANS = "SELECT rowid FROM caption_vectors WHERE text NOT IN (SELECT text FROM captions)"


@dataclass(frozen=True)
class RowProblems:
    """Invalid rows, by row number. ``orphans`` are unused and harmless.

    Attributes:
        photos: Invalid photo rows.
        vectors: Rows of photo contents without a unit vector of the right length.
        sentences: Invalid caption vectors.
        orphans: Vectors of deleted captions.
        missing: Ids of the current generation's photos that cannot be found any more, though nothing was forgotten.
    """

    photos: list[int]
    vectors: list[int]
    sentences: list[int]
    orphans: list[int]
    missing: list[int]

    @property
    def is_fatal(self) -> bool:
        """Whether any of them could be found."""
        return bool(self.photos or self.vectors or self.sentences or self.missing)

    def __str__(self) -> str:
        counts = {
            "rows of photos": len(self.photos),
            "vectors of photos": len(self.vectors),
            "vectors of captions": len(self.sentences),
            "missing photos": len(self.missing),
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def find_bad_rows(database: Database, generations: Sequence[Snapshot] = ()) -> RowProblems:
    """Look at every row.

    Args:
        database: Whose rows.
        generations: Made from it, whole: they remember what was written.

    Raises:
        GalleryDamaged: They cannot even be read.
    """
    sizes = {held.fingerprint: 4 * held.dim for held in list_bundles(database)}
    photos = {row for (row,) in database.query(_PHOTOS)}
    contents = {row for (row,) in database.query(_CONTENTS)}
    contents.update(_non_unit_vectors(database, "vectors", sizes))
    altered: list[tuple[int | None, int]] = []
    missing: set[int] = set()
    for generation in generations:
        others, gone = _checksum_mismatches(database, generation)
        altered += [(photo, row) for photo, row in others if row not in contents and photo not in photos]
        missing |= gone
    return RowProblems(
        photos=sorted(photos.union(photo for photo, _ in altered if photo is not None)),
        vectors=sorted(contents.union(row for _, row in altered)),
        sentences=_non_unit_vectors(database, "caption_vectors", sizes),
        orphans=[row for (row,) in database.query(_ORPHANS)],
        missing=sorted(missing),
    )


def _checksum_mismatches(database: Database, generation: Snapshot) -> tuple[list[tuple[int | None, int]], set[int]]:
    """Rows of photos and of their vectors that are not what a generation was made from, and ids that are missing.

    The row of the photo is None where it is right.
    """
    altered: list[tuple[int | None, int]] = []
    seen: set[int] = set()
    for start in range(0, len(generation.ids), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        ids, vectors = generation.ids[some], generation.vectors[some]
        checks = generation.checks[some]
        rows = database.query(_WRITTEN, generation.manifest.fingerprint, int(ids[0]), int(ids[-1]))
        for photo, row, blob, *facts in rows:
            at = int(np.searchsorted(ids, photo))
            if ids[at] != photo:
                continue
            seen.add(photo)
            same = int(checks[at]) == StoredPhoto(*facts).check(photo)
            if not same or blob != vectors[at].tobytes():
                altered.append((None if same else photo, row))
    made = generation.manifest
    fresh = made.state == database.index_state(made.fingerprint)
    return altered, set(generation.ids.tolist()) - seen if fresh else set()


def delete_rows(database: Database, wrong: RowProblems) -> None:
    """Delete rows, all or none."""
    tables = {
        "photos": ("id", [*wrong.photos, *wrong.missing]),
        "vectors": ("rowid", wrong.vectors),
        "caption_vectors": ("rowid", [*wrong.sentences, *wrong.orphans]),
    }
    with database.writing() as connection:
        for table, (key, rows) in tables.items():
            connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", ((row,) for row in rows))
        if wrong.photos or wrong.vectors or wrong.missing:
            database.note_change()  # what is missing is found again, and the generation made anew


def _non_unit_vectors(database: Database, table: str, sizes: Mapping[str, int]) -> list[int]:
    """Rows whose vector is no unit vector, or of a bundle whose vectors have another size in bytes."""
    wrong: list[int] = []
    last = -(2**63)
    while True:
        rows = database.query(
            f"SELECT rowid, fingerprint, vector FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {_AT_ONCE}", last
        )
        if not rows:
            return wrong
        last = rows[-1][0]
        wrong += [row for row, made_by, blob in rows if not _is_unit(blob, sizes.get(made_by))]


def _is_unit(blob: object, size: int | None) -> bool:
    if not isinstance(blob, bytes) or not blob or len(blob) % 4 or (size is not None and len(blob) != size):
        return False
    return not len(not_unit(np.frombuffer(blob, dtype="<f4")[None]))
