"""Where a gallery and its photos are: default folder, recorded photo folder, and the command that indexes it again."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from photoseek.errors import GalleryError, PhotoseekError, QueryError
from photoseek.gallery.database.database import Database
from photoseek.gallery.file_names import DATABASE
from photoseek.sources.base import PhotoSource
from photoseek.sources.exclusion import GALLERY_FOLDER
from photoseek.sources.local import LocalSource
from photoseek.sources.resolve import source_from_record
from photoseek.system.filenames import decode_filename
from photoseek.system.user_paths import absolute

FOLDER = GALLERY_FOLDER
"""Name of the gallery's folder inside the photo folder, by default."""


def find_gallery(folder: Path) -> Path | None:
    """Return the gallery that a folder is or contains; None for any path that cannot be read."""
    places = (folder, folder / FOLDER)
    return next((place for place in places if os.path.isfile(place / DATABASE)), None)


def known_folder(folder: Path) -> Path:
    """Return the photo folder if a path is its gallery in the default place, else the path; both open the gallery."""
    return folder.parent if folder.name == FOLDER and os.path.isfile(folder / DATABASE) else folder


def photos_of(gallery: Path) -> Path | None:
    """Return the local photo folder that a gallery records, only for display: nobody has confirmed it.

    None if the path is no gallery that can be read, or its photos are in object storage.
    """
    if not os.path.isfile(gallery / DATABASE):
        return None
    try:
        with closing(Database(gallery / DATABASE)) as database:
            source = recorded_source(gallery, database)
    except PhotoseekError:
        return None
    return source.root if isinstance(source, LocalSource) else None


def expect_no_gallery(folder: Path) -> None:
    """Raise GalleryError if a folder is a gallery."""
    if (folder / DATABASE).is_file():
        raise GalleryError(f"{folder}: there is a gallery already; open it with Gallery.open")


def resolve_location(source: PhotoSource, path: str | Path | None) -> Path:
    """Return the folder of a gallery; the photo folder means the default folder inside it, as in ``Gallery.open``.

    Raises:
        QueryError: The photos are in object storage, and no path is given.
    """
    if not isinstance(source, LocalSource):
        if path is None:
            raise QueryError(
                f"{source.address}: expected --gallery DIR as well, a folder of this machine: a gallery of photos in "
                "object storage cannot be stored next to them"
            )
        return absolute(path)
    folder = source.root if path is None else absolute(path)
    return source.root / FOLDER if folder == source.root else folder


def record_of(source: PhotoSource, gallery: Path) -> str:
    """Return the text that a gallery stores for its photo folder: a relative path if that contains the gallery.

    Both can then be moved together.
    """
    if not isinstance(source, LocalSource):
        return source.address
    inside = gallery.is_relative_to(source.root)
    return decode_filename(os.path.relpath(source.root, gallery) if inside else str(source.root))


def recorded_source(gallery: Path, database: Database) -> PhotoSource:
    """Return the photo folder that a gallery records, trusted or not."""
    return source_from_record(database.meta()["photos"], gallery)


def reindex_command(gallery: Path, database: Database) -> str:
    """Return the command line that brings a gallery up to date."""
    source = recorded_source(gallery, database)
    default = isinstance(source, LocalSource) and gallery == source.root / FOLDER
    return f"photoseek index {source.address}" + ("" if default else f" --gallery {gallery}")
