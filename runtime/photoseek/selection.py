"""The photos of a gallery that meet a condition, and the folders that there are to choose from."""

from __future__ import annotations

import numpy as np

from photoseek.database import Database
from photoseek.filters import TYPES, Filter
from photoseek.names import as_asked
from photoseek.vectors import Rows


def ids_where(database: Database, condition: Filter, fingerprint: str) -> Rows:
    """The ids of the searchable photos that meet a condition, in order."""
    clauses, values = _clauses(condition)
    sql = "SELECT id FROM photos JOIN vectors USING (sha256) WHERE fingerprint = ? AND reason IS NULL"
    rows = database.query(" AND ".join([sql, *clauses]) + " ORDER BY id", fingerprint, *values)
    return np.array([photo for (photo,) in rows], dtype=np.int64)


def folders(database: Database) -> list[str]:
    """Every folder that holds a photo, relative to the photo folder, with those that hold them, in order."""
    found: set[str] = set()
    for (path,) in database.query("SELECT path FROM photos WHERE path LIKE '%/%'"):
        parts = path.split("/")[:-1]
        found.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return sorted(found)


def _clauses(condition: Filter) -> tuple[list[str], list[object]]:
    """SQL, and the values for its question marks."""
    clauses: list[tuple[str, list[object]]] = []
    if folder := as_asked(condition.folder or "").strip("/"):
        clauses.append(("path >= ? AND path < ?", [f"{folder}/", f"{folder}0"]))  # 0 is the character after /
    if condition.taken_from is not None:
        clauses.append(("taken >= ?", [condition.taken_from]))
    if condition.taken_to is not None:
        clauses.append(("taken != '' AND substr(taken, 1, ?) <= ?", [len(condition.taken_to), condition.taken_to]))
    if condition.min_megapixels is not None:
        clauses.append(("width * height >= ?", [float(condition.min_megapixels) * 1e6]))
    if condition.max_megapixels is not None:
        clauses.append(("width * height <= ?", [float(condition.max_megapixels) * 1e6]))
    if condition.orientation is not None:
        sign = {"landscape": ">", "portrait": "<", "square": "="}[condition.orientation]
        clauses.append((f"width {sign} height", []))
    if condition.type is not None:
        endings = TYPES[condition.type]
        clauses.append((f"({' OR '.join(['path LIKE ?'] * len(endings))})", [f"%.{ending}" for ending in endings]))
    return [clause for clause, _ in clauses], [value for _, values in clauses for value in values]
