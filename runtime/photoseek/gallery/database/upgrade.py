"""Upgrade of databases of older formats."""

from __future__ import annotations

from photoseek.gallery.database.bases import delete_base_records
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.schema import FORMAT, UPGRADE


def upgrade_database(database: Database) -> None:
    """Upgrade a database of format 1 in one transaction; the caller holds the gallery's lock.

    Nothing is encoded again. The next indexing reads each photo once for its metadata, and builds a snapshot that has
    the dates in names.
    """
    if database.has_metadata:
        return
    with database.writing() as connection:
        for statement in UPGRADE:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        delete_base_records(connection)
        database.mark_changed()
