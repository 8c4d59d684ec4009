"""Upgrade of databases of older formats."""

from __future__ import annotations

from photoseek.gallery.database.bases import delete_base_records
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.schema import FORMAT, UPGRADES


def upgrade_database(database: Database) -> None:
    """Upgrade a database of an older format in one transaction; the caller holds the gallery's lock.

    Nothing is encoded again. The next indexing reads each photo once for its metadata. For format 1, it builds a
    snapshot that has the dates in names.
    """
    if (before := database.format) == FORMAT:
        return
    with database.writing() as connection:
        for version in range(before, FORMAT):
            for statement in UPGRADES[version]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        if before == 1:
            delete_base_records(connection)
            database.mark_changed()
