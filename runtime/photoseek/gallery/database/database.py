"""``gallery.sqlite``: the single truth of a gallery. Its SQL is here, and that of captions in ``sentences``.

Vectors are kept by the content of the photo and the bundle that made them, so a renamed or copied photo finds its
vector again. A photo whose content changes gets a new id: an id never comes to mean another picture.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from photoseek.errors import GalleryDamaged, GalleryIncompatible
from photoseek.gallery.database.records import ContentRecord as ContentRecord
from photoseek.gallery.database.records import PhotoRecord as PhotoRecord
from photoseek.gallery.database.records import StoredPhoto as StoredPhoto
from photoseek.gallery.database.schema import FORMAT, SCHEMA
from photoseek.gallery.database.sqlite import Connection, set_journal
from photoseek.gallery.file_names import DRAFT_FILE
from photoseek.sources.base import PhotoEntry
from photoseek.system.atomic_write import fsync_dir, fsync_file
from photoseek.system.folder_tag import mode_inside
from photoseek.system.removal import draft_folder
from photoseek.vectors import Vectors, not_unit

_IDS_AT_ONCE = 10_000  # SQLite takes 32,766 values in one statement
_ROWS_AT_ONCE = 4_096  # of one statement that reads vectors
_REMOVED_AT_ONCE = 5_000  # rows of one transaction
_REPAIR_HINT = "run `photoseek verify GALLERY --repair`, or restore a backup"
_RANDOM = "lower(hex(randomblob(16)))"  # a name that no other gallery or state has
_FACTS = ("revision", "gallery", "state", "photos", "bundle", "bundle_name", "fingerprint", "dim")  # every gallery's
_STATE = "state:"  # and the fingerprint: the state of the vectors of a bundle beside the gallery's own
_RAISE = {
    "revision": "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'",
    "captions_revision": "INSERT INTO meta VALUES ('captions_revision', '1') "
    "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
}
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Database(Connection):
    """What is in a gallery; may be shared between threads, and used in a forked child."""

    def __init__(self, path: Path, *, recover: bool = False) -> None:
        """Open a database that ``create`` made; nothing is written, except to ``recover``.

        Raises:
            GalleryDamaged: It is not such a database.
            GalleryIncompatible: Its format is newer than ``FORMAT``.
        """
        super().__init__(path)
        self._changes: set[str] | None = None
        if recover:
            self.recover()
        found = self.query("SELECT user_version FROM pragma_user_version")[0][0]  # as a table: reads the schema, too
        if found > FORMAT:
            raise GalleryIncompatible(
                f"{path}: expected gallery format {FORMAT}, found format {found}, of a newer photoseek; upgrade "
                "photoseek, or index into another folder"
            )
        if found != FORMAT:
            raise GalleryDamaged(f"{path}: not a gallery database: expected format {FORMAT}, found {found}")

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> Database:
        """Make an empty database with these facts in it; complete before it bears its name."""
        with draft_folder(path.parent, DRAFT_FILE) as folder:
            draft = folder / path.name
            connection = sqlite3.connect(draft)
            set_journal(connection, path.parent)
            connection.executescript(SCHEMA)
            with connection:
                connection.executemany("INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("revision", "0")])
                connection.execute(f"INSERT INTO meta VALUES ('gallery', {_RANDOM}), ('state', {_RANDOM})")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.close()
            fsync_file(draft)
            draft.chmod(draft.stat().st_mode & mode_inside(path.parent))
            draft.replace(path)
            fsync_dir(path.parent)
        return cls(path)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, as ``Connection.writing``; however much it changes, it raises the revision once."""
        with super().writing() as connection:
            if self._changes is not None:
                yield connection
                return
            self._changes = set()
            try:
                yield connection
                for key in self._changes:
                    connection.execute(_RAISE[key])
                if "revision" in self._changes:
                    connection.execute(f"UPDATE meta SET value = {_RANDOM} WHERE key = 'state'")
            finally:
                self._changes = None

    def note_change(self, key: str = "revision") -> None:
        """Have the transaction that the caller is in raise the revision of photos, or ``captions_revision``.

        With each revision of photos, the state gets a new name: a restored backup may reach the same number again, but
        not the same state.
        """
        if self._changes is not None:
            self._changes.add(key)

    def meta(self) -> dict[str, str]:
        """The facts about the gallery as a whole.

        Raises:
            GalleryDamaged: Some are missing.
        """
        facts: dict[str, str] = dict(self.query("SELECT key, value FROM meta"))
        wrong = [name for name in _FACTS if not isinstance(facts.get(name), str) or "\0" in facts[name]]
        wrong += [name for name in ("revision", "dim") if name not in wrong and not _NUMBER.fullmatch(facts[name])]
        if wrong:
            raise self._damaged(f"its {wrong[0]} is {facts.get(wrong[0])!r}")
        return facts

    def set_meta(self, **facts: str) -> None:
        """Add or replace facts."""
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())

    def unchanged(self, fingerprint: str) -> dict[str, PhotoEntry]:
        """Each photo, by path, that needs no work as long as it is as it was: it has its vector, or cannot be decoded.

        A photo whose bytes could not even be read (no permission, a disk that went away) is tried again.
        """
        rows = self.query(
            "SELECT path, bytes, mtime_ns, ctime_ns, inode FROM photos WHERE (reason IS NOT NULL AND sha256 IS NOT "
            "NULL) OR EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = photos.sha256 AND fingerprint = ?)",
            fingerprint,
        )
        return {row[0]: PhotoEntry(*row) for row in rows}

    def contents(self) -> dict[str, tuple[str | None, str | None]]:
        """SHA-256 and reason of each photo, by path and in its order; see ``PhotoRecord``."""
        rows = self.query("SELECT path, sha256, reason FROM photos ORDER BY path")
        return {path: (sha256, reason) for path, sha256, reason in rows}

    def paths(self) -> set[str]:
        """Every photo that was found, readable or not."""
        return {path for (path,) in self.query("SELECT path FROM photos")}

    def known_contents(self, fingerprint: str) -> set[str]:
        """The SHA-256 of each photo content that has its vector already."""
        return {sha256 for (sha256,) in self.query("SELECT sha256 FROM vectors WHERE fingerprint = ?", fingerprint)}

    def save_photos(self, records: Iterable[PhotoRecord]) -> None:
        """Add photos; one of the same path is forgotten first, unless its content is the same."""
        with self.writing() as connection:
            for record in records:
                self._save_photo(connection, record)

    def _save_photo(self, connection: sqlite3.Connection, record: PhotoRecord) -> None:
        found = record.found
        facts = (found.bytes, found.mtime_ns, found.ctime_ns, found.inode, record.reason, found.path, record.sha256)
        same = connection.execute(
            "UPDATE photos SET bytes = ?, mtime_ns = ?, ctime_ns = ?, inode = ? "
            "WHERE reason IS ? AND path = ? AND sha256 IS ?",
            facts,
        )
        if same.rowcount == 0:
            self.note_change()
            connection.execute("DELETE FROM photos WHERE path = ?", (found.path,))
            connection.execute(
                "INSERT INTO photos (bytes, mtime_ns, ctime_ns, inode, reason, path, sha256) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                facts,
            )

    def save_contents(self, fingerprint: str, records: Iterable[ContentRecord]) -> None:
        """Keep what a bundle made of photo contents.

        What is derived from the vectors of another bundle stays as good as it was: only that of this one is old now.
        """
        rows = [
            (record.sha256, fingerprint, record.width, record.height, _blob(record.vector), record.taken)
            for record in records
        ]
        if rows:
            with self.writing() as connection:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)", rows)
                if fingerprint == self.meta()["fingerprint"]:
                    self.note_change()
                else:
                    connection.execute(f"INSERT OR REPLACE INTO meta VALUES (?, {_RANDOM})", (_STATE + fingerprint,))

    def delete_photos(self, paths: Iterable[str]) -> None:
        """Delete photos, some in each transaction; their vectors are kept, in case the photos return."""
        removed = sorted(paths)
        for start in range(0, len(removed), _REMOVED_AT_ONCE):
            with self.writing() as connection:
                part = removed[start : start + _REMOVED_AT_ONCE]
                connection.executemany("DELETE FROM photos WHERE path = ?", ((path,) for path in part))
                self.note_change()

    @staticmethod
    def clear_state(connection: sqlite3.Connection, fingerprint: str) -> None:
        """Drop the state of the vectors of a bundle beside the gallery's own."""
        connection.execute("DELETE FROM meta WHERE key = ?", (_STATE + fingerprint,))

    def index_state(self, fingerprint: str) -> str:
        """The name of the state in which all that a bundle's generation shows is; it changes with any of that."""
        meta = self.meta()
        state = meta["state"]
        return state if fingerprint == meta["fingerprint"] else f"{state} {meta.get(_STATE + fingerprint, '')}".rstrip()

    def prune(self, fingerprints: Sequence[str]) -> int:
        """Remove vectors of contents that no photo has, or that bundles other than these made; return how many."""
        return self.remove_vectors(
            f"fingerprint NOT IN ({','.join('?' * len(fingerprints))}) OR NOT EXISTS "
            "(SELECT 1 FROM photos WHERE photos.sha256 = vectors.sha256)",
            *fingerprints,
        )

    def remove_vectors(self, condition: str, *values: object) -> int:
        """Remove vectors that meet a condition of SQL, a part in each transaction; return how many."""
        rows = [row for (row,) in self.query(f"SELECT rowid FROM vectors WHERE {condition}", *values)]
        for start in range(0, len(rows), _REMOVED_AT_ONCE):
            with self.writing() as connection:
                part = rows[start : start + _REMOVED_AT_ONCE]
                connection.executemany("DELETE FROM vectors WHERE rowid = ?", ((row,) for row in part))
        return len(rows)

    def revision(self) -> int:
        """A number that grows with every change of what could be found."""
        return int(self.meta()["revision"])

    def count(self) -> int:
        """Photos that were found."""
        return int(self.query("SELECT count(*) FROM photos")[0][0])

    def count_searchable(self, fingerprint: str) -> int:
        """Photos with a vector of this bundle."""
        return int(
            self.query(
                "SELECT count(*) FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ? AND reason IS NULL",
                fingerprint,
            )[0][0]
        )

    def unreadable(self) -> list[tuple[str, str]]:
        """Path and reason of each photo that cannot be decoded."""
        return list(self.query("SELECT path, reason FROM photos WHERE reason IS NOT NULL ORDER BY path"))

    def vectors(self, fingerprint: str, dim: int) -> Iterator[tuple[int, Vectors]]:
        """Photo id and vector of each searchable photo, by id.

        Raises:
            GalleryDamaged: A vector is no unit vector of ``dim`` numbers.
        """
        for photo, blob in self.rows("id, vector", fingerprint):
            yield photo, self._vector(blob, dim, f"photo {photo}")

    def checks(self, fingerprint: str) -> Iterator[int]:
        """``StoredPhoto.check`` of each searchable photo, by id."""
        for photo, *facts in self.rows("id, path, width, height, taken", fingerprint):
            yield self._photo(*facts).check(photo)

    def rows(self, columns: str, fingerprint: str) -> Iterator[tuple[Any, ...]]:
        """Columns of each searchable photo, the first of them ``id``, in its order.

        Between one part of the rows and the next, no transaction is open that would keep a writer from its checkpoint.
        """
        last = -1
        while True:
            rows = self.query(
                f"SELECT {columns} FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ? AND reason IS NULL "
                "AND id > ? ORDER BY id LIMIT ?",
                fingerprint,
                last,
                _ROWS_AT_ONCE,
            )
            yield from rows
            if len(rows) < _ROWS_AT_ONCE:
                return
            last = rows[-1][0]

    def photos(self, ids: Sequence[int], fingerprint: str) -> dict[int, StoredPhoto]:
        """The photos of these ids that are still there."""
        sql = "SELECT id, path, width, height, taken FROM photos JOIN vectors USING (sha256) "
        rows = self._of_ids(f"{sql}WHERE fingerprint = ? AND reason IS NULL", (fingerprint,), ids)
        return {photo: self._photo(*facts) for photo, *facts in rows}

    def photo_at(self, path: str, fingerprint: str, dim: int) -> tuple[int, Vectors] | None:
        """Id and vector (dim,) of the searchable photo at a path; None where there is none."""
        rows = self.query(
            "SELECT id, vector FROM photos JOIN vectors USING (sha256) "
            "WHERE path = ? AND fingerprint = ? AND reason IS NULL",
            path,
            fingerprint,
        )
        return (rows[0][0], self._vector(rows[0][1], dim, path)) if rows else None

    def vectors_of(self, ids: Sequence[int], fingerprint: str, dim: int) -> dict[int, Vectors]:
        """The vector (dim,) of each of these photos that has one of this bundle.

        Raises:
            GalleryDamaged: A vector is no unit vector of ``dim`` numbers.
        """
        sql = "SELECT id, vector FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ?"
        rows = list(self._of_ids(sql, (fingerprint,), ids))
        for photo, blob in rows:
            if not isinstance(blob, bytes) or len(blob) != 4 * dim:
                self._vector(blob, dim, f"photo {photo}")  # says what is wrong with it
        vectors = np.frombuffer(b"".join(blob for _, blob in rows), dtype="<f4").reshape(len(rows), dim)
        for row in not_unit(vectors):
            self._vector(rows[row][1], dim, f"photo {rows[row][0]}")
        return {photo: vector for (photo, _), vector in zip(rows, vectors, strict=True)}

    def contents_of(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Path and SHA-256 of each of these photos that is still there and readable."""
        rows = self._of_ids("SELECT id, path, sha256 FROM photos WHERE reason IS NULL", (), ids)
        return {photo: (path, sha256) for photo, path, sha256 in rows}

    def _of_ids(self, sql: str, values: tuple[object, ...], ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement that ends in a condition, of these photos alone."""
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            yield from self.query(f"{sql} AND id IN ({','.join('?' * len(some))})", *values, *some)

    def check(self) -> None:
        """Have SQLite check the whole file.

        Raises:
            GalleryDamaged: What it found.
        """
        found = self.query("PRAGMA integrity_check(1)")[0][0]
        if found != "ok":
            raise GalleryDamaged(f"{self.path}: {found}; restore it from a backup, or index anew into another folder")

    def _photo(self, path: object, width: object, height: object, taken: object) -> StoredPhoto:
        """A row as a photo; SQLite keeps no checksums, and a damaged row may hold values of any type."""
        if not isinstance(path, str) or "\0" in path or not isinstance(width, int) or not isinstance(height, int):
            raise self._damaged(f"photo {path!r} is not a valid photo row")
        return StoredPhoto(path, width, height, taken if isinstance(taken, str) else "?")  # which fails its check

    def _vector(self, blob: object, dim: int, whose: str) -> Vectors:
        """A stored vector (dim,)."""
        if not isinstance(blob, bytes) or len(blob) != 4 * dim:
            found = len(blob) if isinstance(blob, bytes) else repr(blob)
            raise self._damaged(f"{whose}: expected {4 * dim} bytes of a vector, found {found}")
        vector = np.frombuffer(blob, dtype="<f4")
        if len(not_unit(vector[None])):
            raise self._damaged(f"{whose}: its vector is no unit vector")
        return vector

    def _damaged(self, what: str) -> GalleryDamaged:
        return GalleryDamaged(f"{self.path}: {what}; {_REPAIR_HINT}")


def _blob(vector: Vectors) -> bytes:
    return vector.astype("<f4").tobytes()
