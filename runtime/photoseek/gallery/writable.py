"""Galleries in places that cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photoseek.errors import GalleryError
from photoseek.system.os_errors import is_not_writable
from photoseek.system.user_paths import printable


def not_writable(gallery: Path, reason: object) -> GalleryError:
    """Return the error of a gallery in a folder that cannot be written."""
    return GalleryError(
        f"{printable(gallery)}: expected a folder that you can write, or another one with --gallery DIR, "
        f"found: {reason}"
    )


@contextmanager
def expect_writable(gallery: Path) -> Iterator[None]:
    """Name the option that moves a gallery if its folder cannot be written.

    Raises:
        GalleryError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        if not is_not_writable(error):
            raise
        raise not_writable(gallery, error.strerror) from error
