"""``gallery.sqlite``: the single truth of a gallery. Its SQL is here, and that of captions in ``sentences``.

Vectors are kept by the content of the photo and the bundle that made them, so a renamed or copied photo finds its
vector again. A photo whose content changes gets a new id: an id never comes to mean another picture.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from photoseek.errors import GalleryClosed, GalleryDamaged, GalleryError, GalleryIncompatible
from photoseek.forking import Inherited, leak
from photoseek.scanning import FoundPhoto
from photoseek.schema import CAPTIONS, FORMAT, SCHEMA, migrate
from photoseek.vectors import Vectors

_IDS_AT_ONCE = 10_000  # SQLite takes 32,766 values in one statement
_WAIT_S = 30.0  # for another process to finish its transaction


@dataclass(frozen=True)
class PhotoRecord:
    """A file that was looked at; ``reason`` is set where it cannot be decoded."""

    found: FoundPhoto
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
    """A readable photo of the gallery, as a hit shows it."""

    path: str
    width: int
    height: int
    taken: str | None = None


class Database(Inherited):
    """One connection, shared between threads under a lock; in a forked child, another one."""

    def __init__(self, path: Path) -> None:
        """Open a database that :meth:`create` made.

        Raises:
            GalleryDamaged: It is not such a database.
            GalleryIncompatible: Its format is newer than ``FORMAT``.
        """
        self.path = path
        self._lock = threading.RLock()
        self._kept: sqlite3.Connection | None = None
        self._closed = False
        found = self.query("PRAGMA user_version")[0][0]
        if found > FORMAT:
            raise GalleryIncompatible(
                f"{path}: gallery format {found}, this photoseek reads up to {FORMAT}; upgrade photoseek"
            )
        if found < 1:
            raise GalleryDamaged(f"{path}: not a gallery database: it has no format number")
        if found < FORMAT:
            with self.writing() as connection:
                migrate(connection)
        self.tell_of_forks()

    def before_fork(self) -> None:
        """Wait until no other thread is within SQLite: what it knows of its locks is copied as it stands."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Never touch the inherited connection again, which to close would be to use."""
        self._lock = threading.RLock()
        leak(self._kept)
        self._kept = None

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> Database:
        """Make an empty database with these facts in it; complete before it bears its name."""
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
            draft = Path(folder, path.name)
            connection = sqlite3.connect(draft)
            connection.executescript(";".join([SCHEMA, *CAPTIONS]))
            with connection:
                connection.executemany("INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("revision", "0")])
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.close()
            draft.replace(path)
        return cls(path)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            if self._kept is not None:
                self._kept.close()
            self._kept = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing."""
        with self.writing():
            yield

    def meta(self) -> dict[str, str]:
        """The facts about the gallery as a whole."""
        return dict(self.query("SELECT key, value FROM meta"))

    def set_meta(self, **facts: str) -> None:
        """Add or replace facts."""
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())

    def unchanged(self, fingerprint: str) -> dict[str, tuple[int, int]]:
        """Bytes and mtime of each photo, by path, that needs no work: it has its vector, or cannot be decoded.

        A photo whose bytes could not even be read (no permission, a disk that went away) is tried again.
        """
        rows = self.query(
            "SELECT path, bytes, mtime_ns FROM photos WHERE (reason IS NOT NULL AND sha256 IS NOT NULL) OR EXISTS "
            "(SELECT 1 FROM vectors WHERE vectors.sha256 = photos.sha256 AND fingerprint = ?)",
            fingerprint,
        )
        return {path: (size, mtime_ns) for path, size, mtime_ns in rows}

    def paths(self) -> set[str]:
        """Every photo that was found, readable or not."""
        return {path for (path,) in self.query("SELECT path FROM photos")}

    def known_contents(self, fingerprint: str) -> set[str]:
        """The SHA-256 of each photo content that has its vector already."""
        return {sha256 for (sha256,) in self.query("SELECT sha256 FROM vectors WHERE fingerprint = ?", fingerprint)}

    def put_photos(self, records: Iterable[PhotoRecord]) -> None:
        """Add photos; one of the same path is forgotten first, unless its content is the same."""
        with self.writing() as connection:
            for record in records:
                self._put_photo(connection, record)

    @staticmethod
    def _put_photo(connection: sqlite3.Connection, record: PhotoRecord) -> None:
        found = record.found
        facts = (found.bytes, found.mtime_ns, record.reason, found.path, record.sha256)
        same = connection.execute(
            "UPDATE photos SET bytes = ?, mtime_ns = ?, reason = ? WHERE path = ? AND sha256 IS ?", facts
        )
        if same.rowcount == 0:
            _raise_revision(connection)
            connection.execute("DELETE FROM photos WHERE path = ?", (found.path,))
            connection.execute(
                "INSERT INTO photos (bytes, mtime_ns, reason, path, sha256) VALUES (?, ?, ?, ?, ?)", facts
            )

    def put_contents(self, fingerprint: str, records: Iterable[ContentRecord]) -> None:
        """Keep what a bundle made of photo contents."""
        rows = [
            (record.sha256, fingerprint, record.width, record.height, _blob(record.vector), record.taken)
            for record in records
        ]
        if rows:
            with self.writing() as connection:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)", rows)
                _raise_revision(connection)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop photos that are gone; their vectors stay, should they come back."""
        with self.writing() as connection:
            connection.executemany("DELETE FROM photos WHERE path = ?", ((path,) for path in paths))
            _raise_revision(connection)

    def prune(self, fingerprint: str) -> int:
        """Drop vectors of contents that no photo has, or that other bundles made; tells how many."""
        with self.writing() as connection:
            dropped = connection.execute(
                "DELETE FROM vectors WHERE fingerprint != ? OR NOT EXISTS "
                "(SELECT 1 FROM photos WHERE photos.sha256 = vectors.sha256)",
                (fingerprint,),
            )
            return dropped.rowcount

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
            GalleryDamaged: A vector has not the size of ``dim`` numbers.
        """
        with self._lock:
            rows = self._connection().execute(
                "SELECT id, vector FROM photos JOIN vectors USING (sha256) "
                "WHERE fingerprint = ? AND reason IS NULL ORDER BY id",
                (fingerprint,),
            )
            for photo, blob in rows:
                if len(blob) != 4 * dim:
                    raise GalleryDamaged(f"{self.path}: photo {photo}: expected {4 * dim} bytes, found {len(blob)}")
                yield photo, np.frombuffer(blob, dtype="<f4")

    def photos(self, ids: Sequence[int], fingerprint: str) -> dict[int, StoredPhoto]:
        """The photos of these ids that are still there."""
        found: dict[int, StoredPhoto] = {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            rows = self.query(
                "SELECT id, path, width, height, taken FROM photos JOIN vectors USING (sha256) "
                f"WHERE fingerprint = ? AND reason IS NULL AND id IN ({','.join('?' * len(some))})",
                fingerprint,
                *some,
            )
            for photo, path, width, height, taken in rows:
                found[photo] = StoredPhoto(path, width, height, taken or None)
        return found

    def photo_at(self, path: str, fingerprint: str) -> tuple[int, Vectors] | None:
        """Id and vector of the searchable photo at a path; None where there is none."""
        rows = self.query(
            "SELECT id, vector FROM photos JOIN vectors USING (sha256) "
            "WHERE path = ? AND fingerprint = ? AND reason IS NULL",
            path,
            fingerprint,
        )
        return (rows[0][0], np.frombuffer(rows[0][1], dtype="<f4")) if rows else None

    def undated(self, fingerprint: str) -> dict[str, str]:
        """A path for each photo content that has not been asked yet when it was taken."""
        rows = self.query(
            "SELECT sha256, min(path) FROM photos JOIN vectors USING (sha256) "
            "WHERE fingerprint = ? AND taken IS NULL GROUP BY sha256",
            fingerprint,
        )
        return dict(rows)

    def put_dates(self, dates: Mapping[str, str]) -> None:
        """Note when photo contents were taken."""
        with self.writing() as connection:
            connection.executemany(
                "UPDATE vectors SET taken = ? WHERE sha256 = ?", ((taken, sha256) for sha256, taken in dates.items())
            )

    def check(self) -> None:
        """Have SQLite check the whole file.

        Raises:
            GalleryDamaged: What it found.
        """
        found = self.query("PRAGMA integrity_check(1)")[0][0]
        if found != "ok":
            raise GalleryDamaged(f"{self.path}: {found}; restore it from a backup, or index anew into another folder")

    def query(self, sql: str, *values: object) -> list[Any]:
        """The rows that a statement reads."""
        with self._lock:
            try:
                return self._connection().execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, for statements that write; one inside another belongs to the outer one."""
        with self._lock:
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            try:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def _connection(self) -> sqlite3.Connection:
        """The connection of this process; the caller holds the lock."""
        if self._closed:
            raise GalleryClosed(f"{self.path}: this gallery was closed; open it again with Gallery.open")
        if self._kept is None:
            address = f"file:{quote(os.fsencode(self.path))}?mode=rw"  # rw: one that is gone is not made anew
            try:
                connection = sqlite3.connect(address, timeout=_WAIT_S, check_same_thread=False, uri=True)
                connection.execute("PRAGMA synchronous = FULL")
            except sqlite3.Error as error:
                raise self._trouble(error) from error
            self._kept = connection
        return self._kept

    def _trouble(self, error: sqlite3.Error) -> GalleryError:
        """An error of SQLite in the words of this library."""
        if isinstance(error, sqlite3.OperationalError):  # locked, full, read-only, no permission
            return GalleryError(f"{self.path}: {error}; free the disk or the file, and try again")
        return GalleryDamaged(f"{self.path}: not a gallery database: {error}; restore it from a backup")


def _blob(vector: Vectors) -> bytes:
    return vector.astype("<f4").tobytes()


def _raise_revision(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'")
