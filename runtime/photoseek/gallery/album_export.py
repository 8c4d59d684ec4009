"""Export of an album: a folder of links to its photos, a CSV file, or XMP files with its name as a keyword."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import GalleryError, PhotoError, PhotoUnreachable
from photoseek.gallery.albums import album_name
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.listing import photos_by_id
from photoseek.photos.decode import photo_keywords, read_photo
from photoseek.photos.xmp_keywords import NO_KEYWORDS, Keywords, UnknownForm, with_keyword
from photoseek.sources.companions import is_raw_name
from photoseek.sources.local import LocalSource
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.unique_names import UniqueNames
from photoseek.system.user_paths import printable

COLUMNS = ("path", "file", "taken", "width", "height")
"""Columns of the CSV file: path in the photo folder, file or URL, date, and pixels."""

PARENT = "Albums"
"""Keyword of which the names of albums are a level below."""


@dataclass(frozen=True)
class ExportedXmp:
    """The result of ``export_xmp``.

    Attributes:
        photos: Number of photos of which no XMP file was left out.
        left_out: The reason for each XMP file that was left out, by its path in the photo folder.
    """

    photos: int
    left_out: dict[str, str]


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
    _new_folder(folder)
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


def export_xmp(gallery: Gallery, name: str, folder: Path) -> ExportedXmp:
    """Create a folder with an XMP file for each photo of an album, which has the name of the album as a keyword.

    Each file has the path that it has beside the photo, so that a copy of the folder over the photo folder adds the
    keyword. If there are XMP files beside a photo, they are copied and the keyword is added; else the file contains the
    keywords in the photo as well, because it replaces them. Nothing is written beside the photos.

    Args:
        gallery: The gallery.
        name: Name of the album.
        folder: The folder, which does not exist or is empty.

    Raises:
        QueryError: There is no such album.
        GalleryError: The folder contains files.
        PhotoUnreachable: The storage of the photos cannot be reached.
        OSError: The folder cannot be written.
    """
    photos, keyword, target = gallery.albums.photos(name).values(), album_name(name), LocalSource(folder.absolute())
    _new_folder(folder)
    left_out: dict[str, str] = {}
    complete = 0
    for path in photos:
        before = len(left_out)
        for xmp, document in _documents(gallery, path, keyword, left_out):
            file = target.photo_file(xmp)  # inside the folder, also if the path in the database was tampered with
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(document)
        complete += len(left_out) == before
    return ExportedXmp(complete, left_out)


def _documents(gallery: Gallery, path: str, keyword: str, left_out: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the content of each XMP file of a photo, or add the reason why there is none."""
    try:
        beside = gallery.photos.source.sidecars(path)
        embedded = _embedded(gallery, path)
    except PhotoUnreachable:
        raise
    except PhotoError as error:
        left_out[f"{path}.xmp"] = f"the photo has keywords, but cannot be read: {error}"
        return
    for xmp, document in (beside or dict.fromkeys(_new_names(path), NO_KEYWORDS)).items():
        if document is None:
            left_out[xmp] = "the XMP file cannot be read, or is too long"
            continue
        try:
            made = with_keyword(document, keyword, PARENT, embedded)
        except UnknownForm as error:
            left_out[xmp] = f"the XMP file is {error}"
        else:
            yield xmp, made


def _embedded(gallery: Gallery, path: str) -> Keywords:
    """Return the keywords in a photo, which is only read if the gallery recorded some.

    Raises:
        PhotoError: It cannot be read.
    """
    database = gallery.database
    if database.has_metadata and not database.query("SELECT 1 FROM photos WHERE path = ? AND keywords != ''", path):
        return {}
    return photo_keywords(read_photo(gallery.photos.file_of(path)))


def _new_names(path: str) -> list[str]:
    """Return the paths of new XMP files: the name that most programs read, and of a raw file also that of Adobe's."""
    adobe = [f"{path[: path.rfind('.')]}.xmp"] if is_raw_name(path) else []
    return [f"{path}.xmp", *adobe]


def _new_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is not None:
        raise GalleryError(
            f"{printable(folder)}: expected a new or empty folder, found files in it; name another folder"
        )
