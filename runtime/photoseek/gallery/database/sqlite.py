"""A SQLite file that many threads and processes read while one process writes it.

Reading never waits for a writer, see ``photoseek.gallery.database.read_only``. Writing appends to a write-ahead log;
each transaction ends with a checkpoint that empties the log, so that the database file alone has all of the data again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from photoseek.errors import GalleryClosed, GalleryDamaged, GalleryError
from photoseek.gallery.database.read_only import ERRORS, WAIT_S, FileState, ReadConnections, connect, shared_memory
from photoseek.gallery.lock import is_writing
from photoseek.gallery.writable import not_writable
from photoseek.system.file_systems import supports_wal
from photoseek.system.fork_safety import ForkAware, leak_native_object

_CHECKPOINT_WAIT_MS = 200  # for readers; the next transaction empties a log that could not be emptied
_TRANSIENT = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
"""Errors that say nothing about the content of the file; extended error codes have these in their low byte."""
_UNFINISHED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}
"""Errors of opening a file whose transaction only a writer can complete."""


class Connection(ForkAware):
    """An existing SQLite file. Errors of SQLite are converted to exceptions of this library."""

    def __init__(self, path: Path) -> None:
        """Create the object; the first statement connects."""
        self.path = path
        self._writing = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._reset_readers()
        self._closed = False
        self.register_fork_hooks()

    def before_fork(self) -> None:
        """Wait until no other thread is inside SQLite, whose locks a child inherits in their state."""
        self._writing.acquire()
        with self._turn:
            self._forking = True
            while self._active:
                self._turn.wait()

    def after_fork_in_parent(self) -> None:
        """Let the other threads resume."""
        with self._turn:
            self._forking = False
            self._turn.notify_all()
        self._writing.release()

    def after_fork_in_child(self) -> None:
        """Abandon the inherited connections without closing them."""
        self._writing = threading.RLock()
        for reader in self._readers.take_all():
            leak_native_object(reader.connection)
        leak_native_object(self._writer)
        self._writer = None
        self._reset_readers()

    def recover(self) -> None:
        """Complete or roll back the transaction of a killed process, if there is one."""
        if FileState.of(str(self.path)).pending and not is_writing(self.path.parent):
            with self.writing():
                pass  # opening the file for writing completes it

    def close(self) -> None:
        """Close every connection, once no other thread uses one."""
        with self._writing, self._turn:
            self._closed = True
            while self._active:
                self._turn.wait()
            self._readers.close()
            if self._writer is not None:
                self._writer.close()
            self._writer = None

    def query(self, sql: str, *values: object) -> list[Any]:
        """Return the rows of a reading statement; inside a transaction of this thread, it sees its changes.

        Raises:
            GalleryError: The file cannot be read.
            GalleryDamaged: It is not a database, or is damaged.
        """
        if self._is_writing():
            with self._translate_errors():
                return self._connection().execute(sql, values).fetchall()
        with self._reading(), self._translate_errors():
            return self._readers.query(sql, values)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Start a transaction for writing statements; an inner transaction joins the outer one."""
        with self._writing, self._translate_errors():
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
            self._checkpoint(connection)

    def _is_writing(self) -> bool:
        """Return whether the calling thread is inside a transaction."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            return self._writer is not None and self._writer.in_transaction
        finally:
            self._writing.release()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Use reading connections; a fork or ``close`` waits until the block ends."""
        with self._turn:
            while self._forking:
                self._turn.wait()
            self._expect_open()
            self._active += 1
        try:
            yield
        finally:
            with self._turn:
                self._active -= 1
                self._turn.notify_all()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Convert errors of SQLite to exceptions of this library."""
        try:
            yield
        except ERRORS as error:
            raise self._error(error) from error

    def _connection(self) -> sqlite3.Connection:
        """Return the writing connection; the caller has the lock."""
        self._expect_open()
        if self._writer is None:
            connection = connect(self.path, "mode=rw")  # rw: does not create a removed file again
            try:
                with shared_memory:
                    set_journal(connection, self.path.parent)
            except BaseException:
                connection.close()
                raise
            self._writer = connection
            self._readers.shared = True
        return self._writer

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Copy the log to the database and empty it, without waiting long for readers."""
        connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_WAIT_MS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout = {WAIT_S * 1000:.0f}")

    def _reset_readers(self) -> None:
        """Reset to no reading connections."""
        self._readers = ReadConnections(self.path)
        self._turn = threading.Condition()
        self._active = 0  # threads that are inside SQLite to read
        self._forking = False

    def _expect_open(self) -> None:
        if self._closed:
            raise GalleryClosed(f"{self.path}: this gallery was closed; open it again with Gallery.open")

    def _error(self, error: Exception) -> GalleryError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _UNFINISHED and FileState.of(str(self.path)).pending:
            return GalleryError(
                f"{self.path}: expected a complete database, found an unfinished transaction of a killed process, "
                f"which cannot be read here ({error}); complete it with: photoseek verify {self.path.parent} --repair "
                "(if the disk is read-only: on a copy of the folder on a writable disk)"
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM) or self._is_read_only(code):
            return not_writable(self.path.parent, error)
        if code in _TRANSIENT:
            return GalleryError(f"{self.path}: {error}; free disk space or unlock the file, and try again")
        return GalleryDamaged(f"{self.path}: not a gallery database: {error}; restore it from a backup")

    def _is_read_only(self, code: int) -> bool:
        """Return whether an error is that of creating a log in a folder that cannot be written."""
        readable, writable = os.access(self.path, os.R_OK), os.access(self.path.parent, os.W_OK)
        return code == sqlite3.SQLITE_CANTOPEN and readable and not writable


def set_journal(connection: sqlite3.Connection, folder: Path) -> None:
    """Use a write-ahead log if the file system supports it, and a rollback journal otherwise."""
    connection.execute("PRAGMA synchronous = FULL")
    if supports_wal(folder):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # each transaction ends with one
    else:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # reads a log, if there is one, without shared memory
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA locking_mode = NORMAL")
        connection.execute("PRAGMA user_version").fetchall()  # releases the exclusive lock
