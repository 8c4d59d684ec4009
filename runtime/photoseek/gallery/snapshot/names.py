"""The full-text index of a snapshot: names of files and folders, titles and keywords.

``names.sqlite`` has one FTS5 table without content, whose row numbers are photo ids. It is derived from the same
database rows as the arrays, verified by the checksum in the manifest before it is opened, and never changed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from photoseek.errors import GalleryDamaged, GalleryError
from photoseek.gallery.database.read_only import connect
from photoseek.gallery.file_names import NAMES
from photoseek.gallery.snapshot.current import REPAIR_HINT
from photoseek.gallery.snapshot.name_words import PhotoNames, document
from photoseek.system.fork_safety import ForkAware, leak_native_object

_TABLE = "CREATE VIRTUAL TABLE names USING fts5(words, content='', columnsize=0, tokenize='ascii')"
_SEARCH = "SELECT rowid FROM names WHERE names MATCH ? AND rowid > ? LIMIT ?"  # in the order of ids, without ranking


@cache
def has_fts5() -> bool:
    """Return whether Python's SQLite has full-text search; some builds lack it."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(_TABLE)
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def write_names(folder: Path, photos: Iterable[PhotoNames]) -> None:
    """Write the index of a snapshot; nothing if SQLite has no full-text search.

    Raises:
        GalleryError: The disk is full, or the file cannot be written.
    """
    if not has_fts5():
        return
    path = folder / NAMES
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # small pages keep the file of a few photos small; the snapshot is synced before it is used
        for pragma in ("page_size = 1024", "journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        connection.execute(_TABLE)
        rows = ((photo.id, document(photo)) for photo in photos)
        connection.executemany("INSERT INTO names (rowid, words) VALUES (?, ?)", rows)
        connection.execute("INSERT INTO names (names) VALUES ('optimize')")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise GalleryError(f"{path}: cannot be written: {error}; free disk space, and index again") from error
    finally:
        connection.close()


class NameIndex(ForkAware):
    """The full-text index of a snapshot; may be shared between threads and used in a forked child."""

    def __init__(self, path: Path) -> None:
        """Create the object; the first query opens the verified file."""
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def __del__(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()

    def before_fork(self) -> None:
        """Wait until no other thread is inside SQLite."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Let the other threads resume."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Abandon the inherited connection without closing it."""
        self._lock = threading.Lock()
        leak_native_object(self._connection)
        self._connection = None

    def search(self, match: str, most: int, after: int = 0) -> list[int]:
        """Return the ids of photos above ``after`` that match a full-text query of tokens, in order, at most ``most``.

        Raises:
            GalleryDamaged: The file cannot be read.
        """
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = connect(self.path, "mode=ro&immutable=1")
                return [photo for (photo,) in self._connection.execute(_SEARCH, (match, after, most))]
        except sqlite3.Error as error:
            raise GalleryDamaged(f"{self.path}: {error}; {REPAIR_HINT}") from error
