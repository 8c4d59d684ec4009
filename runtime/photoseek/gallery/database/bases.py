"""The record of each bundle's base snapshot in the database: how later photos are found without reading all rows.

A base has every photo that can be decoded up to its last id. Photos never change under one id and new ones have higher
ids, so later photos are those above it, and photos of the base can only disappear. The state in the record proves that
a snapshot was built from this database, and not from one that was restored since. The record is deleted with vectors
of photos in the base.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

from photoseek.gallery.database.database import Database
from photoseek.gallery.database.schema import BASE, DELETE_BASES
from photoseek.vectors import Rows


@dataclass(frozen=True)
class BaseRecord:
    """The state of the database from which a base was built, and its last photo id; see ``SnapshotManifest.state``."""

    state: str
    last: int


def base_record(database: Database, fingerprint: str) -> BaseRecord | None:
    """Return the record of a bundle's base; None if there is none."""
    last, _, state = database.meta().get(BASE + fingerprint, "").partition(" ")
    return BaseRecord(state, int(last)) if last.isdecimal() else None


def save_base_record(database: Database, fingerprint: str) -> None:
    """Record that a base is built from the current state; the caller holds the gallery's lock.

    Without a record, if a photo that can be decoded has no vector: then later vectors may have lower ids.
    """
    readable, last = database.query("SELECT count(*), max(id) FROM photos WHERE reason IS NULL")[0]
    if database.count_searchable(fingerprint) == readable:
        database.set_meta(**{BASE + fingerprint: f"{last} {database.index_state(fingerprint)}"})
    else:
        with database.writing() as connection:
            connection.execute("DELETE FROM meta WHERE key = ?", (BASE + fingerprint,))


def delete_base_records(connection: sqlite3.Connection) -> None:
    """Delete the record of every bundle."""
    connection.execute(DELETE_BASES)


def readable_ids(database: Database, last: int, expected: int) -> Rows | None:
    """Return the ids up to ``last`` of photos that can be decoded, in order; None if there are ``expected`` ones."""
    counts = (
        "SELECT (SELECT count(*) FROM photos) - (SELECT count(*) FROM photos WHERE id > ?)"
        " - (SELECT count(*) FROM photos WHERE reason IS NOT NULL AND id <= ?)"
    )
    if database.query(counts, last, last)[0][0] == expected:  # counting takes a tenth of the time
        return None
    rows = database.query("SELECT id FROM photos WHERE reason IS NULL AND id <= ? ORDER BY id", last)
    return np.fromiter((photo for (photo,) in rows), dtype=np.int64, count=len(rows))
