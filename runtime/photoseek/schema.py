"""The tables of ``gallery.sqlite``, by the number of their format."""

from __future__ import annotations

import sqlite3

FORMAT = 2
"""The database format that this version writes; an older one is brought up to it when opened, a newer one is refused.

1: before ``taken`` and captions.
"""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,          -- relative to the photo folder, forward slashes
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT,                        -- of the content; NULL where it could not be read
    reason TEXT                         -- why it cannot be decoded; NULL where it can
);
CREATE INDEX photos_by_content ON photos (sha256);
CREATE TABLE vectors (
    sha256 TEXT NOT NULL,               -- content of the photo
    fingerprint TEXT NOT NULL,          -- of the bundle
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    vector BLOB NOT NULL,               -- float32, unit length
    taken TEXT,                         -- YYYY-MM-DD HH:MM:SS; '' where the photo does not tell, NULL: not looked yet
    PRIMARY KEY (sha256, fingerprint)
);
"""
CAPTIONS = (
    """CREATE TABLE captions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    image TEXT NOT NULL,                -- path of the photo that it belongs to, empty where none is named
    UNIQUE (text, image)
)""",
    "CREATE INDEX captions_by_image ON captions (image)",
    """CREATE TABLE caption_vectors (
    text TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- of the bundle
    vector BLOB NOT NULL,               -- float32, unit length
    PRIMARY KEY (text, fingerprint)
)""",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database of format 1 to this one, inside a transaction; nothing where another process has done it."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < FORMAT:
        connection.execute("ALTER TABLE vectors ADD COLUMN taken TEXT")
        for statement in CAPTIONS:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
