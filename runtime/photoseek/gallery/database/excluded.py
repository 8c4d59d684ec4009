"""The patterns of photos that indexing leaves out, which a gallery keeps for later runs."""

from __future__ import annotations

from collections.abc import Collection

from photoseek.gallery.database.database import Database
from photoseek.sources.exclusion import check_patterns
from photoseek.system.filenames import normalize_user_path

_KEY = "exclude"


def excluded_patterns(database: Database) -> list[str]:
    """Return the patterns that a gallery keeps."""
    return [line for line in database.meta().get(_KEY, "").split("\n") if line]


def exclude_settings(exclude: Collection[str] | None) -> dict[str, str]:
    """Return what the database records of patterns; None: as before.

    Raises:
        QueryError: A pattern is invalid.
    """
    if exclude is None:
        return {}
    patterns = [normalize_user_path(pattern) for pattern in exclude]
    check_patterns(patterns)
    return {_KEY: "\n".join(filter(None, patterns))}
