"""Read-only connections to a SQLite file: they change or create no file, and never wait for a writer.

How a file is read depends on its state on disk:

- No transaction is pending, which means that neither the write-ahead log nor the rollback journal has content. The file
  is read as an immutable one, without locks. If its state has changed afterward, the rows are discarded, and the
  statement runs again.
- A transaction is pending, and a process that holds the gallery's lock is writing it. SQLite's own protocol, in shared
  memory, keeps the reader apart from the writer.
- A transaction is pending, and no process is writing: a writer was killed. What it committed to the log is read with an
  index of the log in private memory, and the state is compared afterward as above.

On file systems without shared memory (see ``photoseek.system.file_systems``) SQLite's locks protect every read, and
a reader waits for a writer that is committing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from photoseek.errors import GalleryBusy
from photoseek.gallery.lock import is_writing
from photoseek.system.file_systems import supports_wal

WAIT_S = 30.0
"""Seconds that a statement waits for a lock."""

ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""Exceptions of SQLite; the second one if a message quotes damaged text."""

_TICK_S = 0.03  # changes within one tick of the clock may have the same timestamp: Linux ticks every 1 to 10 ms
_COARSE_TICK_S = 2.0  # of file systems with a resolution of seconds
_LOG_HEADER = 32  # bytes; SQLite retries for 10 s to read a log without more in private memory

_IMMUTABLE = "immutable=1"
_ALONE = "mode=ro&readonly_shm=1"  # private memory where no process has shared memory
_LIVE = "mode=ro"  # shared memory: a file in which every reader writes its mark
_LOCKED = f"{_ALONE}&locked=1"  # as _ALONE; SQLite ignores parameters that it does not know


@dataclass(frozen=True)
class FileState:
    """The identity of a database's content on disk.

    Attributes:
        files: Inode, size, mtime and ctime of the database, and without the ctime those of its write-ahead log and its
            rollback journal; None for a file that does not exist. When root opens a log, SQLite sets its owner and so
            its ctime.
    """

    files: tuple[tuple[int, ...] | None, ...]

    @classmethod
    def of(cls, path: str) -> FileState:
        """Return the state of a database."""
        database, *others = (_facts(path + suffix) for suffix in ("", "-wal", "-journal"))
        return cls((database, *(other and other[:3] for other in others)))

    @property
    def pending(self) -> bool:
        """Whether a transaction is missing from the database file, or incomplete in it."""
        _, log, journal = (0 if file is None else file[1] for file in self.files)
        return log > _LOG_HEADER or journal > 0

    @property
    def inode(self) -> int | None:
        """Inode of the database."""
        return None if self.files[0] is None else self.files[0][0]

    @property
    def unsettled_s(self) -> float:
        """Seconds until every further change has another timestamp."""
        times = [stamp for file in self.files if file is not None for stamp in file[2:]]
        tick = _TICK_S if any(stamp % 1_000_000_000 for stamp in times) else _COARSE_TICK_S
        age = time.time() - max(times, default=0) / 1e9
        return tick - age if 0 <= age < tick else 0.0  # a timestamp in the future is of another clock


@dataclass(frozen=True)
class _Reader:
    """A connection, and the file state for which it is valid; None: any, as SQLite's locks protect it."""

    connection: sqlite3.Connection
    how: str
    inode: int | None
    state: FileState | None

    def fits(self, how: str, now: FileState) -> bool:
        """Return whether it can read the file in its current state."""
        return self.how == how and self.inode == now.inode and self.state in (None, now)


shared_memory = threading.Lock()
"""Locked while this process reads with private memory, or opens a connection that writes: SQLite opens the file of the
shared memory once in a process, and a writer cannot use it as such a reader opened it."""


class ReadConnections:
    """The connections of one process to one file, one for each thread that reads at the same time."""

    def __init__(self, path: Path) -> None:
        """Create the object; queries open connections."""
        self.path = path
        self.shared = False
        """Whether this process has a writing connection, and so the shared memory."""
        self._idle: list[_Reader] = []
        self._lock = threading.Lock()
        self._wal: bool | None = None

    def query(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        """Return the rows of a statement.

        Raises:
            sqlite3.Error: The file is damaged or cannot be read.
            UnicodeDecodeError: The same.
            GalleryBusy: It kept changing.
        """
        if (rows := self._unchanged(sql, values)) is not None:
            return rows
        deadline = time.monotonic() + WAIT_S
        while True:
            with self._borrowed() as reader:
                try:
                    rows = reader.connection.execute(sql, values).fetchall()
                except ERRORS:
                    if self._is_current(reader) or time.monotonic() > deadline:
                        raise
                else:
                    if self._is_current(reader):
                        return rows
            if time.monotonic() > deadline:
                raise GalleryBusy(f"{self.path}: kept changing for {WAIT_S:.0f} s while it was read; try again")

    def _unchanged(self, sql: str, values: tuple[object, ...]) -> list[Any] | None:
        """Return the rows of a statement by an open connection, if the file is still the one that it has opened.

        One comparison afterward suffices: the file had this state when it was opened, and every change is visible in
        the state.
        """
        with self._lock:
            if not self._idle or self._idle[-1].how != _IMMUTABLE:
                return None
            reader = self._idle.pop()
        try:
            rows = reader.connection.execute(sql, values).fetchall()
        except ERRORS:
            return None
        finally:
            with self._lock:
                self._idle.append(reader)
        return rows if self._is_current(reader) else None

    def close(self) -> None:
        """Close every connection; the caller ensures that no thread uses one."""
        for reader in self.take_all():
            reader.connection.close()

    def take_all(self) -> list[_Reader]:
        """Remove and return every connection that no thread uses."""
        with self._lock:
            taken, self._idle = self._idle, []
        return taken

    def _choose(self) -> tuple[str, FileState]:
        """Return how to read the file now, and the state on which that depends."""
        if self._wal is None:
            self._wal = supports_wal(self.path.parent)
        while True:
            state = FileState.of(str(self.path))
            if not self._wal:
                return _LOCKED, state
            wait = state.unsettled_s
            if not state.pending and not wait:
                return _IMMUTABLE, state
            if self.shared or is_writing(self.path.parent):
                return _LIVE, state
            if not wait:
                return _ALONE, state
            time.sleep(wait)

    @contextmanager
    def _borrowed(self) -> Iterator[_Reader]:
        """Yield a connection that no other thread uses meanwhile."""
        how, state = self._choose()
        if how == _ALONE:
            with shared_memory:
                reader = self._open(how, state)
                try:
                    yield reader
                finally:
                    reader.connection.close()
            return
        reader = self._take(how, state)
        try:
            yield reader
        finally:
            with self._lock:
                self._idle.append(reader)

    def _take(self, how: str, state: FileState) -> _Reader:
        """Return a connection for the calling thread."""
        with self._lock:
            fitting = [reader for reader in self._idle if reader.fits(how, state)]
            stale = [reader for reader in self._idle if not reader.fits(how, state)]
            reader = fitting.pop() if fitting else None
            self._idle = fitting
        for each in stale:
            each.connection.close()
        return reader or self._open(how, state)

    def _open(self, how: str, state: FileState) -> _Reader:
        if how == _LOCKED and not state.pending and self._needs_shared_memory():
            return _Reader(connect(self.path, _IMMUTABLE), how, state.inode, state)
        checked = state if how in (_IMMUTABLE, _ALONE) else None
        return _Reader(connect(self.path, how), how, state.inode, checked)

    def _needs_shared_memory(self) -> bool:
        """Return whether SQLite's locks cannot be used: the file was last written with a write-ahead log."""
        connection = connect(self.path, _LOCKED)
        try:
            connection.execute("PRAGMA schema_version")
        except ERRORS as error:
            return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CANTOPEN
        finally:
            connection.close()
        return False

    def _is_current(self, reader: _Reader) -> bool:
        """Return whether a connection has just read the current content of the file."""
        return reader.state is None or reader.state == FileState.of(str(self.path))


class _Connection(sqlite3.Connection):
    """Closed when it is freed, as a gallery that nobody closed; Python 3.13 and newer warn about that."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # the file could not be opened
            self.close()


def connect(path: Path, parameters: str) -> sqlite3.Connection:
    """Open a SQLite file with parameters of its URI; the first statement reads it."""
    address = f"file:{quote(os.fsencode(path))}?{parameters}"
    return sqlite3.connect(address, timeout=WAIT_S, check_same_thread=False, uri=True, factory=_Connection)


def _facts(path: str) -> tuple[int, int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a query stats six files, and a Path costs more than the call
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
