"""The tables of ``gallery.sqlite``."""

from __future__ import annotations

FORMAT = 1
"""Format version of the database; any other is refused."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,          -- relative to the photo folder, forward slashes
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,          -- 0 in object storage
    inode INTEGER NOT NULL,             -- 0 in object storage
    sha256 TEXT,                        -- of the content; NULL if it could not be read
    reason TEXT                         -- why it cannot be decoded; NULL if it can
);
CREATE INDEX photos_by_content ON photos (sha256);
CREATE INDEX photos_unreadable ON photos (path) WHERE reason IS NOT NULL;
CREATE TABLE vectors (
    sha256 TEXT NOT NULL,               -- content of the photo
    fingerprint TEXT NOT NULL,          -- of the bundle
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    vector BLOB NOT NULL,               -- float32, unit length
    taken TEXT NOT NULL,                -- YYYY-MM-DD HH:MM:SS; empty if the photo has no date
    PRIMARY KEY (sha256, fingerprint)
);
CREATE TABLE captions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    image TEXT NOT NULL,                -- path of its photo; empty if none is named
    UNIQUE (text, image)
);
CREATE INDEX captions_by_image ON captions (image);
CREATE TABLE caption_vectors (
    text TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- of the bundle
    vector BLOB NOT NULL,               -- float32, unit length
    PRIMARY KEY (text, fingerprint)
);
"""
