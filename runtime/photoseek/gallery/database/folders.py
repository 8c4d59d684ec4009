"""The folders of a gallery's photos."""

from __future__ import annotations

from photoseek.gallery.database.database import Database


def list_folders(database: Database) -> list[str]:
    """Return every folder that contains photos, itself or in subfolders, relative to the photo folder, in order."""
    found: set[str] = set()
    for (path,) in database.query("SELECT path FROM photos WHERE path LIKE '%/%'"):
        parts = path.split("/")[:-1]
        found.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return sorted(found)
