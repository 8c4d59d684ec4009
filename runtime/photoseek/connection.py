"""One connection to a SQLite file, shared between threads under a lock, and made anew in a forked child."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from photoseek.errors import GalleryClosed, GalleryDamaged, GalleryError
from photoseek.forking import Inherited, leak

_WAIT_S = 30.0  # for another process to finish its transaction
_PASSING = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
"""Errors that say nothing against the file; the number of another stands in the low byte of a more exact one."""
_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The second where a message of SQLite quotes what is damaged."""


class Connection(Inherited):
    """A SQLite file that is there; what goes wrong with it is told in the errors of this library."""

    def __init__(self, path: Path) -> None:
        """Connect by the first statement."""
        self.path = path
        self._lock = threading.RLock()
        self._kept: sqlite3.Connection | None = None
        self._closed = False
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

    def query(self, sql: str, *values: object) -> list[Any]:
        """The rows that a statement reads."""
        with self.reading() as connection:
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that read: no other thread uses it meanwhile."""
        with self._lock, self._told():
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, for statements that write; one inside another belongs to the outer one."""
        with self._lock:
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            with self._told(), connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of SQLite in the words of this library."""
        try:
            yield
        except _ERRORS as error:
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
            except _ERRORS as error:
                raise self._trouble(error) from error
            self._kept = connection
        return self._kept

    def _trouble(self, error: Exception) -> GalleryError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
            return GalleryError(f"{self.path}: {error}; free the disk or the file, and try again")
        return GalleryDamaged(f"{self.path}: not a gallery database: {error}; restore it from a backup")
