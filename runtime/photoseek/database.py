"""``gallery.sqlite``: the single truth of a gallery. Its SQL is here, and that of captions in ``sentences``.

Vectors are kept by the content of the photo and the bundle that made them, so a renamed or copied photo finds its
vector again. A photo whose content changes gets a new id: an id never comes to mean another picture.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoseek.connection import Connection
from photoseek.errors import GalleryDamaged, GalleryIncompatible
from photoseek.files import sync_file, sync_folder
from photoseek.gallery_files import DRAFT_FILE
from photoseek.removal import draft_folder
from photoseek.scanning import FoundPhoto
from photoseek.schema import CAPTIONS, FORMAT, SCHEMA, migrate
from photoseek.stored_arrays import not_unit
from photoseek.tagging import mode_inside
from photoseek.vectors import Vectors

_IDS_AT_ONCE = 10_000  # SQLite takes 32,766 values in one statement
_CURE = "have it repaired: photoseek verify GALLERY --repair, or restore it from a backup"
_RANDOM = "lower(hex(randomblob(16)))"  # a name that no other gallery or state has
_FACTS = ("revision", "photos", "bundle", "bundle_name", "fingerprint", "dim")  # every gallery's
_STATE = "state:"  # and the fingerprint: the state of the vectors of a bundle beside the gallery's own
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


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
    """A readable photo of the gallery, as a hit shows it; ``taken`` is empty where the photo does not tell."""

    path: str
    width: int
    height: int
    taken: str | None = None

    def checks(self, photo: int) -> tuple[int, int]:
        """CRC-32 of the row of a photo id, by which a generation knows it again: SQLite keeps no checksums.

        And that of the row before it was noted when the photo was taken, which may be later.
        """
        return self._check(photo, self.taken), self._check(photo, None)

    def _check(self, photo: int, taken: str | None) -> int:
        facts = (photo, self.path, self.width, self.height, "?" if taken is None else taken)
        return zlib.crc32("\0".join(map(str, facts)).encode("utf-8", "surrogatepass"))


class Database(Connection):
    """What is in a gallery; may be shared between threads, and used in a forked child."""

    def __init__(self, path: Path) -> None:
        """Open a database that :meth:`create` made.

        Raises:
            GalleryDamaged: It is not such a database.
            GalleryIncompatible: Its format is newer than ``FORMAT``.
        """
        super().__init__(path)
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

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> Database:
        """Make an empty database with these facts in it; complete before it bears its name."""
        with draft_folder(path.parent, DRAFT_FILE) as folder:
            draft = folder / path.name
            connection = sqlite3.connect(draft)
            connection.executescript(";".join([SCHEMA, *CAPTIONS]))
            with connection:
                connection.executemany("INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("revision", "0")])
                connection.execute(f"INSERT INTO meta VALUES ('gallery', {_RANDOM}), ('state', {_RANDOM})")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.close()
            sync_file(draft)
            draft.chmod(draft.stat().st_mode & mode_inside(path.parent))
            draft.replace(path)
            sync_folder(path.parent)
        return cls(path)

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
            "UPDATE photos SET bytes = ?, mtime_ns = ? WHERE reason IS ? AND path = ? AND sha256 IS ?", facts
        )
        if same.rowcount == 0:
            raise_revision(connection)
            connection.execute("DELETE FROM photos WHERE path = ?", (found.path,))
            connection.execute(
                "INSERT INTO photos (bytes, mtime_ns, reason, path, sha256) VALUES (?, ?, ?, ?, ?)", facts
            )

    def put_contents(self, fingerprint: str, records: Iterable[ContentRecord]) -> None:
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
                    raise_revision(connection)
                else:
                    connection.execute(f"INSERT OR REPLACE INTO meta VALUES (?, {_RANDOM})", (_STATE + fingerprint,))

    def forget(self, paths: Iterable[str]) -> None:
        """Drop photos that are gone; their vectors stay, should they come back."""
        with self.writing() as connection:
            connection.executemany("DELETE FROM photos WHERE path = ?", ((path,) for path in paths))
            raise_revision(connection)

    @staticmethod
    def forget_state(connection: sqlite3.Connection, fingerprint: str) -> None:
        """Drop the state of the vectors of a bundle beside the gallery's own."""
        connection.execute("DELETE FROM meta WHERE key = ?", (_STATE + fingerprint,))

    def state_of(self, fingerprint: str) -> str:
        """The name of the state in which all that a bundle's generation shows is; it changes with any of that."""
        meta = self.meta()
        state = meta.get("state", "")
        return state if fingerprint == meta["fingerprint"] else f"{state} {meta.get(_STATE + fingerprint, '')}".rstrip()

    def prune(self, fingerprints: Sequence[str]) -> int:
        """Drop vectors of contents that no photo has, or that bundles other than these made; tells how many."""
        with self.writing() as connection:
            dropped = connection.execute(
                f"DELETE FROM vectors WHERE fingerprint NOT IN ({','.join('?' * len(fingerprints))}) OR NOT EXISTS "
                "(SELECT 1 FROM photos WHERE photos.sha256 = vectors.sha256)",
                tuple(fingerprints),
            )
            return dropped.rowcount

    def give_name(self) -> None:
        """Name the gallery, and the state that it is in, where it is from before they had names."""
        with self.writing() as connection:
            connection.execute(f"INSERT OR IGNORE INTO meta VALUES ('gallery', {_RANDOM}), ('state', {_RANDOM})")

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
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id, vector FROM photos JOIN vectors USING (sha256) "
                "WHERE fingerprint = ? AND reason IS NULL ORDER BY id",
                (fingerprint,),
            )
            for photo, blob in rows:
                yield photo, self._vector(blob, dim, f"photo {photo}")

    def checks(self, fingerprint: str) -> Iterator[int]:
        """The first of :meth:`StoredPhoto.checks` of each searchable photo, by id."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id, path, width, height, taken FROM photos JOIN vectors USING (sha256) "
                "WHERE fingerprint = ? AND reason IS NULL ORDER BY id",
                (fingerprint,),
            )
            for photo, *facts in rows:
                yield self._photo(*facts).checks(photo)[0]

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

    def _photo(self, path: object, width: object, height: object, taken: object) -> StoredPhoto:
        """A row as a photo; SQLite keeps no checksums, and a damaged row may hold values of any type."""
        if not isinstance(path, str) or "\0" in path or not isinstance(width, int) or not isinstance(height, int):
            raise self._damaged(f"the row of photo {path!r} holds what is none of a photo")
        return StoredPhoto(path, width, height, taken if isinstance(taken, str) else None)

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
        return GalleryDamaged(f"{self.path}: {what}; {_CURE}")


def _blob(vector: Vectors) -> bytes:
    return vector.astype("<f4").tobytes()


def raise_revision(connection: sqlite3.Connection) -> None:
    """Count a change, and name the new state: a restored backup counts on from its own number, but not alike."""
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'")
    connection.execute(f"INSERT OR REPLACE INTO meta VALUES ('state', {_RANDOM})")
