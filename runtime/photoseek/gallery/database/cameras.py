"""Cameras of the photos in the database."""

from __future__ import annotations

from photoseek.gallery.database.database import Database

_NAMES = (
    "WITH RECURSIVE found (name) AS (SELECT min(camera) FROM photos WHERE camera > '' UNION ALL "
    "SELECT (SELECT min(camera) FROM photos WHERE camera > '' AND camera > name) FROM found WHERE name IS NOT NULL) "
    "SELECT name FROM found WHERE name IS NOT NULL"
)
_UNREAD = "SELECT 1 FROM photos WHERE camera IS NULL AND reason IS NULL LIMIT 1"


def list_cameras(database: Database) -> list[str]:
    """Return the name of each camera, in order; each is found in the index, so photos of the same one take no time."""
    rows = database.query(_NAMES) if database.format >= 3 else []
    return [name for (name,) in rows if isinstance(name, str)]  # a damaged row may have any value


def has_unread_cameras(database: Database) -> bool:
    """Return whether an older photoseek indexed photos, and their cameras have not been read since."""
    return database.format < 3 or bool(database.query(_UNREAD))
