"""Export of an album: a folder of links to its photos, or a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from photoseek.errors import GalleryError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.listing import photos_by_id
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.unique_names import UniqueNames
from photoseek.system.user_paths import printable

COLUMNS = ("path", "file", "taken", "width", "height")
"""Columns of the CSV file: path in the photo folder, file or URL, date, and pixels."""


def export_links(gallery: Gallery, name: str, folder: Path) -> int:
    """Create a folder with a symbolic link to each photo of an album, and return how many there are.

    Args:
        gallery: The gallery.
        name: Name of the album.
        folder: The folder, which does not exist or is empty.

    Raises:
        QueryError: There is no such album.
        GalleryError: The folder contains files, or the photos are in object storage.
        OSError: The folder cannot be written.
    """
    names, root = UniqueNames(), gallery.photos.root
    photos = gallery.albums.photos(name).values()
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is not None:
        raise GalleryError(
            f"{printable(folder)}: expected a new or empty folder, found files in it; name another folder"
        )
    for path in photos:
        (folder / names.add(path.rpartition("/")[2])).symlink_to(root / encode_filename(path))
    return len(photos)


def export_csv(gallery: Gallery, name: str, file: Path) -> int:
    """Write a CSV file with the ``COLUMNS`` of each photo of an album, and return how many there are.

    Raises:
        QueryError: There is no such album.
        OSError: The file cannot be written.
    """
    photos = photos_by_id(gallery, gallery.fingerprint, list(gallery.albums.photos(name)))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for photo in photos:
        rows.writerow((photo.path, decode_filename(str(photo.file)), photo.taken or "", photo.width, photo.height))
    write_bytes_atomic(file, text.getvalue().encode("utf-8"))
    return len(photos)
