"""Photos of a gallery that match a filter, and its folders."""

from __future__ import annotations

import numpy as np

from photoseek.gallery.database.database import SEARCHABLE, Database
from photoseek.gallery.filters import TYPES, Filter, filter_clauses
from photoseek.vectors import Rows

_TYPE = " ".join(f"WHEN path LIKE '%.{ending}' THEN '{name}'" for name, endings in TYPES.items() for ending in endings)
_EXPRESSIONS = {  # of fields that are not columns
    "pixels": "width * height",
    "orientation": "CASE WHEN width > height THEN 'landscape' WHEN width < height THEN 'portrait' ELSE 'square' END",
    "type": f"CASE {_TYPE} ELSE '' END",
}


def matching_ids(database: Database, condition: Filter, fingerprint: str) -> Rows:
    """Return the ids of the searchable photos that match a filter, in order."""
    clauses = filter_clauses(condition)
    sql = f"SELECT id {SEARCHABLE}"
    tests = (f"{_EXPRESSIONS.get(each.field, each.field)} {each.operator} ?" for each in clauses)
    rows = database.query(" AND ".join([sql, *tests]) + " ORDER BY id", fingerprint, *(each.value for each in clauses))
    return np.array([photo for (photo,) in rows], dtype=np.int64)


def list_folders(database: Database) -> list[str]:
    """Return every folder that contains photos, itself or in subfolders, relative to the photo folder, in order."""
    found: set[str] = set()
    for (path,) in database.query("SELECT path FROM photos WHERE path LIKE '%/%'"):
        parts = path.split("/")[:-1]
        found.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return sorted(found)
