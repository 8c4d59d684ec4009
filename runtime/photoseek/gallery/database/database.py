"""``gallery.sqlite``: the single source of truth of a gallery.

The key of a vector is the content of the photo and the bundle that encoded it, so a renamed or copied photo reuses its
vector. A photo whose content or metadata changes gets a new id: an id never refers to another picture, or another text.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from photoseek.errors import GalleryDamaged, GalleryIncompatible
from photoseek.gallery.database import schema
from photoseek.gallery.database.records import ContentRecord, PhotoRecord, StoredPhoto, unit_vectors
from photoseek.gallery.database.sqlite import Connection, set_journal
from photoseek.gallery.file_names import DRAFT_FILE
from photoseek.system.atomic_write import fsync_dir, fsync_file
from photoseek.system.folder_tag import mode_inside
from photoseek.system.removal import draft_folder
from photoseek.vectors import Vectors

SEARCHABLE = "FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ? AND reason IS NULL"
"""SQL for the photos that have a vector of a bundle."""

_VALUES_AT_ONCE = 10_000  # SQLite accepts 32,766 values per statement
_ROWS_AT_ONCE = 4_096  # per statement that reads vectors
_REMOVED_AT_ONCE = 5_000  # rows per transaction
_REPAIR_HINT = "run `photoseek verify GALLERY --repair`, or restore a backup"
_RANDOM = "lower(hex(randomblob(16)))"  # a unique name
_FACTS = ("revision", "gallery", "state", "photos", "bundle", "bundle_name", "fingerprint", "dim")  # in every gallery
_STATE = "state:"  # prefix of the key of the state of an additional bundle's vectors, before its fingerprint
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Database(Connection):
    """The database of a gallery; may be shared between threads, and used in a forked child."""

    def __init__(self, path: Path, *, recover: bool = False) -> None:
        """Open an existing database; nothing is written, except to ``recover``.

        Raises:
            GalleryDamaged: It is not a gallery database.
            GalleryIncompatible: Its format is newer than ``FORMAT``.
        """
        super().__init__(path)
        self._changes: set[str] | None = None
        if recover:
            self.recover()
        found = self._read_format()
        if found > schema.FORMAT:
            raise GalleryIncompatible(
                f"{path}: expected gallery format {schema.FORMAT}, found format {found}, of a newer photoseek; upgrade "
                "photoseek, or index into another folder"
            )
        if found < 1:
            raise GalleryDamaged(f"{path}: not a gallery database: expected format {schema.FORMAT}, found {found}")
        self._format = found

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> Database:
        """Create an empty database with these rows of ``meta``; it is renamed to ``path`` when it is complete."""
        with draft_folder(path.parent, DRAFT_FILE) as folder:
            draft = folder / path.name
            connection = sqlite3.connect(draft)
            set_journal(connection, path.parent)
            connection.executescript(schema.SCHEMA)
            with connection:
                connection.executemany("INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("revision", "0")])
                connection.execute(f"INSERT INTO meta VALUES ('gallery', {_RANDOM}), ('state', {_RANDOM})")
                connection.execute(f"PRAGMA user_version = {schema.FORMAT}")
            connection.close()
            fsync_file(draft)
            draft.chmod(draft.stat().st_mode & mode_inside(path.parent))
            draft.replace(path)
            fsync_dir(path.parent)
        return cls(path)

    @property
    def format(self) -> int:
        """Format version of the tables; see ``FORMAT``."""
        if self._format < schema.FORMAT:  # another process may have upgraded it
            self._format = self._read_format()
        return self._format

    @property
    def has_metadata(self) -> bool:
        """Whether the tables have the columns that format 1 lacks."""
        return self.format >= 2

    @property
    def facts(self) -> str:
        """SQL for the columns of ``StoredPhoto``."""
        return schema.photo_columns(self.format)

    def _read_format(self) -> int:
        return int(self.query("SELECT user_version FROM pragma_user_version")[0][0])  # a table: reads the schema

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Start a transaction, as ``Connection.writing``; it increments the revision at most once."""
        with super().writing() as connection:
            if self._changes is not None:
                yield connection
                return
            self._changes = set()
            try:
                yield connection
                for key in self._changes:
                    connection.execute(schema.INCREMENT[key])
                if "revision" in self._changes:
                    connection.execute(f"UPDATE meta SET value = {_RANDOM} WHERE key = 'state'")
            finally:
                self._changes = None

    def mark_changed(self, key: str = "revision") -> None:
        """Increment ``revision`` (of the photos) or ``captions_revision`` at the end of the current transaction.

        Each revision of photos gets a new state name: a restored backup may reach the same number again, but not the
        same state.
        """
        if self._changes is not None:
            self._changes.add(key)

    def meta(self) -> dict[str, str]:
        """Return the rows of ``meta``.

        Raises:
            GalleryDamaged: A required one is missing or invalid.
        """
        facts: dict[str, str] = dict(self.query("SELECT key, value FROM meta"))
        wrong = [name for name in _FACTS if not isinstance(facts.get(name), str) or "\0" in facts[name]]
        wrong += [name for name in ("revision", "dim") if name not in wrong and not _NUMBER.fullmatch(facts[name])]
        if wrong:
            raise self._damaged(f"its {wrong[0]} is {facts.get(wrong[0])!r}")
        return facts

    def set_meta(self, **facts: str) -> None:
        """Add or replace rows of ``meta``."""
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())

    def contents(self, paths: Sequence[str] | None = None) -> dict[str, tuple[str | None, str | None]]:
        """Return SHA-256 and reason of each photo, by path and ordered by it; see ``PhotoRecord``.

        With ``paths``, only of those.
        """
        sql = "SELECT path, sha256, reason FROM photos"
        rows = (
            self.query(f"{sql} ORDER BY path") if paths is None else self.of_values(f"{sql} WHERE path IN", (), paths)
        )
        return {path: (sha256, reason) for path, sha256, reason in rows}

    def paths(self) -> set[str]:
        """Return the path of every photo, readable or not."""
        return {path for (path,) in self.query("SELECT path FROM photos")}

    def save_photos(self, records: Iterable[PhotoRecord]) -> None:
        """Add photos; one with the same path and other content or metadata is replaced under a new id."""
        with self.writing() as connection:
            for record in records:
                self._save_photo(connection, record)

    def _save_photo(self, connection: sqlite3.Connection, record: PhotoRecord) -> None:
        facts = record.columns()
        if connection.execute(schema.FILL_CAMERA, facts).rowcount and record.metadata.camera:
            self.mark_changed()
            connection.execute(schema.DELETE_BASES)  # a delta would leave out a photo that keeps its id
        same = connection.execute(schema.UPDATE_PHOTO, facts)
        if same.rowcount == 0:
            self.mark_changed()
            connection.execute("DELETE FROM photos WHERE path = ?", (record.found.path,))
            connection.execute(schema.INSERT_PHOTO, facts)

    def save_contents(self, fingerprint: str, records: Iterable[ContentRecord]) -> None:
        """Save the vectors of photo contents; only snapshots of this bundle become outdated."""
        rows = [record.columns(fingerprint) for record in records]
        if rows:
            with self.writing() as connection:
                connection.executemany(schema.INSERT_CONTENT, rows)
                if fingerprint == self.meta()["fingerprint"]:
                    self.mark_changed()
                else:
                    connection.execute(f"INSERT OR REPLACE INTO meta VALUES (?, {_RANDOM})", (_STATE + fingerprint,))

    def delete_photos(self, paths: Iterable[str]) -> None:
        """Delete photos in batches, each in one transaction; their vectors are kept, in case the photos return."""
        self._delete_in_batches("DELETE FROM photos WHERE path = ?", sorted(paths), change=True)

    @staticmethod
    def clear_state(connection: sqlite3.Connection, fingerprint: str) -> None:
        """Delete the state of the vectors of an additional bundle, and the record of its base snapshot."""
        connection.execute("DELETE FROM meta WHERE key IN (?, ?)", (_STATE + fingerprint, schema.BASE + fingerprint))

    def index_state(self, fingerprint: str) -> str:
        """Return the name of the state of a bundle's vectors and photos; it changes whenever they do."""
        meta = self.meta()
        state = meta["state"]
        return state if fingerprint == meta["fingerprint"] else f"{state} {meta.get(_STATE + fingerprint, '')}".rstrip()

    def remove_vectors(self, condition: str, *values: object) -> int:
        """Delete vectors that match an SQL condition in batches, each in one transaction; return how many."""
        rows = [row for (row,) in self.query(f"SELECT rowid FROM vectors WHERE {condition}", *values)]
        self._delete_in_batches("DELETE FROM vectors WHERE rowid = ?", rows)
        return len(rows)

    def _delete_in_batches(self, sql: str, values: Sequence[object], *, change: bool = False) -> None:
        """Run a statement for each value in batches, one transaction each; ``change``: whether the revision changes."""
        for start in range(0, len(values), _REMOVED_AT_ONCE):
            with self.writing() as connection:
                connection.executemany(sql, ((value,) for value in values[start : start + _REMOVED_AT_ONCE]))
                if change:
                    self.mark_changed()

    def revision(self) -> int:
        """Return a number that grows with every change of the photos."""
        return int(self.meta()["revision"])

    def count(self) -> int:
        """Return the number of photos."""
        return int(self.query("SELECT count(*) FROM photos")[0][0])

    def count_searchable(self, fingerprint: str, after: int = -1) -> int:
        """Return the number of photos with a vector of this bundle, and an id above ``after``."""
        return int(self.query(f"SELECT count(*) {SEARCHABLE} AND id > ?", fingerprint, after)[0][0])

    def unreadable(self) -> list[tuple[str, str]]:
        """Return path and reason of each photo that cannot be decoded."""
        return list(self.query("SELECT path, reason FROM photos WHERE reason IS NOT NULL ORDER BY path"))

    def vectors(self, fingerprint: str, dim: int, after: int = -1) -> Iterator[tuple[int, Vectors]]:
        """Yield id and vector of each searchable photo with an id above ``after``, by id.

        Raises:
            GalleryDamaged: A vector is not a unit vector of ``dim`` numbers.
        """
        for photo, blob in self.rows("id, vector", fingerprint, after):
            yield photo, self.vectors_from([(f"photo {photo}", blob)], dim)[0]

    def searchable(self, fingerprint: str, after: int = -1) -> Iterator[tuple[int, StoredPhoto]]:
        """Yield each searchable photo with an id above ``after``, and its id, by id.

        Raises:
            GalleryDamaged: A row is invalid.
        """
        for photo, *facts in self.rows(f"id, {self.facts}", fingerprint, after):
            yield photo, self._photo(*facts)

    def rows(self, columns: str, fingerprint: str, after: int = -1) -> Iterator[tuple[Any, ...]]:
        """Yield columns of each searchable photo with an id above ``after``, ordered by the first one, ``id``.

        No transaction stays open between two batches of rows, so a writer can checkpoint.
        """
        last = after
        while True:
            rows = self.query(
                f"SELECT {columns} {SEARCHABLE} AND id > ? ORDER BY id LIMIT ?", fingerprint, last, _ROWS_AT_ONCE
            )
            yield from rows
            if len(rows) < _ROWS_AT_ONCE:
                return
            last = rows[-1][0]

    def photos(self, ids: Sequence[int], fingerprint: str) -> dict[int, StoredPhoto]:
        """Return the photos with these ids that still exist.

        Raises:
            GalleryDamaged: A row is invalid.
        """
        return self.photos_in_folder(ids, fingerprint)[0]

    def photos_in_folder(self, ids: Sequence[int], fingerprint: str) -> tuple[dict[int, StoredPhoto], str]:
        """Return the photos with these ids that still exist, and the record of the photo folder at the same moment.

        Raises as ``photos``.
        """
        folder = "(SELECT value FROM meta WHERE key = 'photos')"
        sql = f"SELECT {folder}, id, {self.facts} {SEARCHABLE} AND id IN"
        rows = list(self.of_values(sql, (fingerprint,), ids))
        record = rows[-1][0] if rows else self.meta()["photos"]
        if not isinstance(record, str) or "\0" in record:
            raise self._damaged(f"its photos is {record!r}")
        return {photo: self._photo(*facts) for _, photo, *facts in rows}, record

    def photo_at(self, path: str, fingerprint: str, dim: int) -> tuple[int, Vectors] | None:
        """Return id and vector (dim,) of the searchable photo at a path; None if there is none."""
        rows = self.query(f"SELECT id, vector {SEARCHABLE} AND path = ?", fingerprint, path)
        return (rows[0][0], self.vectors_from([(path, rows[0][1])], dim)[0]) if rows else None

    def vectors_of(self, ids: Sequence[int], fingerprint: str, dim: int) -> dict[int, Vectors]:
        """Return the vector (dim,) of each of these photos that has one of this bundle.

        Raises:
            GalleryDamaged: A vector is not a unit vector of ``dim`` numbers.
        """
        sql = "SELECT id, vector FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ? AND id IN"
        rows = list(self.of_values(sql, (fingerprint,), ids))
        vectors = self.vectors_from([(f"photo {photo}", blob) for photo, blob in rows], dim)
        return {photo: vector for (photo, _), vector in zip(rows, vectors, strict=True)}

    def contents_of(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return path and SHA-256 of each of these photos that still exists and is readable."""
        rows = self.of_values("SELECT id, path, sha256 FROM photos WHERE reason IS NULL AND id IN", (), ids)
        return {photo: (path, sha256) for photo, path, sha256 in rows}

    def of_values(self, sql: str, values: tuple[object, ...], some: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement that ends with IN, for these values."""
        for start in range(0, len(some), _VALUES_AT_ONCE):
            part = some[start : start + _VALUES_AT_ONCE]
            yield from self.query(f"{sql} ({','.join('?' * len(part))})", *values, *part)

    def verify(self) -> None:
        """Check the file with SQLite's ``integrity_check``.

        Raises:
            GalleryDamaged: It is damaged.
        """
        found = self.query("PRAGMA integrity_check(1)")[0][0]
        if found != "ok":
            raise GalleryDamaged(f"{self.path}: {found}; restore it from a backup, or index into another folder")

    def _photo(self, *row: object) -> StoredPhoto:
        try:
            return StoredPhoto.of_row(*row)
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def vectors_from(self, rows: Sequence[tuple[str, object]], dim: int) -> Vectors:
        """Return stored vectors; see ``unit_vectors``.

        Raises:
            GalleryDamaged: One is not a unit vector of ``dim`` numbers.
        """
        try:
            return unit_vectors(rows, dim)
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, problem: str) -> GalleryDamaged:
        return GalleryDamaged(f"{self.path}: {problem}; {_REPAIR_HINT}")
