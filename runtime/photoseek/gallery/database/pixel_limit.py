"""The limit of pixels above which photos are not decoded, which a gallery keeps, and when photos are tried again."""

from __future__ import annotations

from photoseek.errors import QueryError
from photoseek.gallery.database.database import Database

_KEY = "pixel_limit"  # megapixels
_DECODERS = "decoders"
_DECODERS_NOW = "2"  # changes when photos are decoded that were refused before
_HIGHEST = 2_147  # megapixels; filters compare pixels as signed 32-bit integers


def pixel_limit_settings(megapixels: int | None) -> dict[str, str]:
    """Return what the database records of a limit; None: as before.

    Raises:
        QueryError: Invalid limit.
    """
    return {} if megapixels is None else {_KEY: str(check_pixel_limit(megapixels) // 1_000_000)}


def check_pixel_limit(megapixels: int) -> int:
    """Return a limit in pixels.

    Raises:
        QueryError: Invalid limit.
    """
    if type(megapixels) is not int or not 1 <= megapixels <= _HIGHEST:
        raise QueryError(f"pixel limit: expected 1 to {_HIGHEST:,} megapixels, found {megapixels!r}")
    return megapixels * 1_000_000


def max_pixels(database: Database) -> int | None:
    """Return the limit that a gallery keeps, in pixels; None: the default."""
    found = database.meta().get(_KEY, "")
    return int(found) * 1_000_000 if found.isdecimal() and 1 <= int(found) <= _HIGHEST else None


def retry_refused_photos(database: Database, limit_before: int | None) -> None:
    """Make the next indexing try photos again that it might decode now, although they have not changed.

    These are photos with too many pixels, if the limit is no longer ``limit_before``, and all that were refused by an
    older version of photoseek.
    """
    if database.meta().get(_DECODERS) != _DECODERS_NOW:
        condition = "reason IS NOT NULL"
    elif max_pixels(database) != limit_before:
        condition = "reason LIKE '%pixels; at most %'"
    else:
        return
    with database.writing():
        retry_unreadable_photos(database, condition)
        database.set_meta(**{_DECODERS: _DECODERS_NOW})


def retry_unreadable_photos(database: Database, condition: str = "reason IS NOT NULL") -> None:
    """Make the next indexing try photos again that could not be decoded; ``condition``: an SQL expression."""
    with database.writing() as connection:
        connection.execute(f"UPDATE photos SET sha256 = NULL WHERE {condition}")
