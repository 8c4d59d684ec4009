"""The rows of albums in a gallery's database.

An album refers to a photo by content and path. It finds the photo with both; else a photo with the content, as after
a rename; else the photo at the path, as after its metadata was edited. The tables are created with the first album,
and a photoseek that does not know them leaves them unchanged, so the format of the database stays the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from photoseek.gallery.database.database import Database

TABLES = (
    "CREATE TABLE IF NOT EXISTS albums (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS album_photos (id INTEGER PRIMARY KEY AUTOINCREMENT, album INTEGER NOT NULL, "
    "sha256 TEXT NOT NULL, path TEXT NOT NULL, UNIQUE (album, sha256, path))",
)
"""Statements that create the tables unless they exist."""

_PHOTOS = "FROM photos WHERE reason IS NULL AND"


@dataclass(frozen=True)
class AlbumRow:
    """A photo of an album: its content and path when it was added, or last indexed."""

    row: int
    album: int
    sha256: str
    path: str


@dataclass(frozen=True)
class FoundPhoto:
    """The photo of the gallery that a row of an album refers to."""

    id: int
    sha256: str
    path: str


def has_albums(database: Database) -> bool:
    """Return whether the database has the tables."""
    return bool(database.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'album_photos'"))


def album_ids(database: Database) -> dict[str, int]:
    """Return the id of each album by its name."""
    return dict(database.query("SELECT name, id FROM albums")) if has_albums(database) else {}


def album_rows(database: Database, album: int | None = None) -> list[AlbumRow]:
    """Return the rows of an album, or of all albums, in the order in which photos were added."""
    if not has_albums(database):
        return []
    sql = "SELECT id, album, sha256, path FROM album_photos"
    rows = (
        database.query(f"{sql} ORDER BY id")
        if album is None
        else database.query(f"{sql} WHERE album = ? ORDER BY id", album)
    )
    return [AlbumRow(*row) for row in rows]


def find_photos(database: Database, rows: list[AlbumRow]) -> Iterator[tuple[AlbumRow, FoundPhoto]]:
    """Yield each row whose photo is in the gallery, with the photo."""
    same: dict[str, list[FoundPhoto]] = {}
    contents = [*{row.sha256 for row in rows}]
    for found in database.of_values(f"SELECT id, sha256, path {_PHOTOS} sha256 IN", (), contents):
        same.setdefault(found[1], []).append(FoundPhoto(*found))
    others = [*{row.path for row in rows if row.sha256 not in same}]
    replaced = {
        found[2]: FoundPhoto(*found)
        for found in database.of_values(f"SELECT id, sha256, path {_PHOTOS} path IN", (), others)
    }
    for row in rows:
        copies = same.get(row.sha256)
        if copies:
            yield row, min(copies, key=lambda photo: (photo.path != row.path, photo.path))
        elif row.path in replaced:
            yield row, replaced[row.path]


def follow_photos(database: Database) -> None:
    """Update content and path of each photo in an album after the photos of the gallery have changed."""
    changed = [
        (found.sha256, found.path, row.row)
        for row, found in find_photos(database, album_rows(database))
        if (found.sha256, found.path) != (row.sha256, row.path)
    ]
    if changed:
        with database.writing() as connection:
            connection.executemany("UPDATE OR IGNORE album_photos SET sha256 = ?, path = ? WHERE id = ?", changed)


def create_album(connection: sqlite3.Connection, name: str) -> int:
    """Return the id of an album; it is created unless it exists."""
    connection.execute("INSERT OR IGNORE INTO albums (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM albums WHERE name = ?", (name,)).fetchone()[0])
