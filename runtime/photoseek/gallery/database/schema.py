"""The tables of ``gallery.sqlite``."""

from __future__ import annotations

FORMAT = 3
"""Format version of the database. Older ones are read, and upgraded by indexing; newer ones are refused."""

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
    reason TEXT,                        -- why it cannot be decoded; NULL if it can
    sidecar INTEGER NOT NULL DEFAULT 0, -- checksum of size and times of the XMP files beside it; 0 without any
    xmp_taken TEXT NOT NULL DEFAULT '', -- as vectors.taken, by the XMP in the file, and perhaps without time or day
    sidecar_taken TEXT NOT NULL DEFAULT '', -- the same by XMP files beside it
    titles TEXT,                        -- one a line; NULL if the metadata was not read, by an older photoseek
    keywords TEXT NOT NULL DEFAULT '',  -- one a line
    descriptions TEXT NOT NULL DEFAULT '', -- captions by its metadata; one a line
    camera TEXT                         -- make and model by its EXIF; NULL if it was not read, by an older photoseek
);
CREATE INDEX photos_by_content ON photos (sha256);
CREATE INDEX photos_unreadable ON photos (path) WHERE reason IS NOT NULL;
CREATE INDEX photos_by_camera ON photos (camera) WHERE camera > '';
CREATE TABLE vectors (
    sha256 TEXT NOT NULL,               -- content of the photo
    fingerprint TEXT NOT NULL,          -- of the bundle
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    vector BLOB NOT NULL,               -- float32, unit length
    taken TEXT NOT NULL,                -- YYYY-MM-DD HH:MM:SS; empty if its EXIF has no date
    incomplete INTEGER NOT NULL DEFAULT 0, -- 1 if the file ends early
    PRIMARY KEY (sha256, fingerprint)
);
CREATE INDEX vectors_incomplete ON vectors (sha256) WHERE incomplete = 1;
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

UPGRADES = {
    1: (
        "ALTER TABLE photos ADD COLUMN sidecar INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE photos ADD COLUMN xmp_taken TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE photos ADD COLUMN sidecar_taken TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE photos ADD COLUMN titles TEXT",
        "ALTER TABLE photos ADD COLUMN keywords TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE photos ADD COLUMN descriptions TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE vectors ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX vectors_incomplete ON vectors (sha256) WHERE incomplete = 1",
    ),
    2: (
        "ALTER TABLE photos ADD COLUMN camera TEXT",
        "CREATE INDEX photos_by_camera ON photos (camera) WHERE camera > ''",
    ),
}
"""Statements that upgrade the tables of each older format to the next one; no row is written."""

_NEWER = ((2, "xmp_taken, sidecar_taken, incomplete", "'', '', 0"), (3, "coalesce(camera, '')", "''"))


def photo_columns(version: int) -> str:
    """Return SQL for the columns of ``StoredPhoto``; those that the tables of a format lack are empty."""
    newer = (columns if version >= since else empty for since, columns, empty in _NEWER)
    return ", ".join(("path, width, height, taken", *newer))


FILL_CAMERA = "UPDATE photos SET camera = :camera WHERE path = :path AND sha256 IS :sha256 AND camera IS NULL"
"""Records the camera of a known photo that an older photoseek has not read."""

_STATE_OF_FILE = "bytes = :bytes, mtime_ns = :mtime_ns, ctime_ns = :ctime_ns, inode = :inode, sidecar = :sidecar"
UPDATE_PHOTO = (
    f"UPDATE photos SET {_STATE_OF_FILE}, titles = :titles WHERE path = :path AND sha256 IS :sha256 "
    "AND reason IS :reason AND xmp_taken = :xmp_taken AND sidecar_taken = :sidecar_taken "
    "AND coalesce(titles, '') = :titles AND keywords = :keywords AND descriptions = :descriptions "
    "AND camera = :camera"
)
"""Updates the state of a photo's file, if path, content and metadata are those of its row."""

_COLUMNS = (
    "bytes", "mtime_ns", "ctime_ns", "inode", "sidecar", "path", "sha256", "reason",
    "xmp_taken", "sidecar_taken", "titles", "keywords", "descriptions", "camera",
)  # fmt: skip
INSERT_PHOTO = f"INSERT INTO photos ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
"""Adds a photo; its parameters are those of ``UPDATE_PHOTO``."""
INSERT_CONTENT = (
    "INSERT OR REPLACE INTO vectors (sha256, fingerprint, width, height, vector, taken, incomplete) "
    "VALUES (:sha256, :fingerprint, :width, :height, :vector, :taken, :incomplete)"
)
"""Adds the vector of a content; its parameters are those of ``ContentRecord.columns``."""
INCREMENT = {
    "revision": "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'",
    "captions_revision": "INSERT INTO meta VALUES ('captions_revision', '1') "
    "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
}
"""Increments each revision."""

BASE = "base:"
"""Prefix of the key of the record of a bundle's base snapshot, see ``photoseek.gallery.database.bases``."""

DELETE_BASES = f"DELETE FROM meta WHERE key LIKE '{BASE}%'"
"""SQL that deletes the record of every bundle's base snapshot: the next snapshot is a new base."""
