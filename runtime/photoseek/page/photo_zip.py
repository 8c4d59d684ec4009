"""A zip file of photos, written while it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from photoseek.errors import PhotoseekError
from photoseek.page.photo_files import PhotoFiles
from photoseek.photos.decode import read_photo
from photoseek.system.unique_names import UniqueNames

MAX_PHOTOS = 2000
"""Maximum number of photos in one zip file."""

NOT_INCLUDED = "not-included.txt"
"""Name of the file in a zip file that lists photos that could not be read, one a line, with the reason."""

_CHUNK = 1 << 18  # bytes
_OLDEST = (1980, 1, 1, 0, 0, 0)  # of the format


class _Output:
    """A file for ``ZipFile`` that cannot seek, and whose content is taken out piece by piece."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def zip_photos(files: PhotoFiles, photos: Sequence[int]) -> Iterator[bytes]:
    """Yield the pieces of a zip file with the photos of these ids, as ``PhotoFiles`` gives them away.

    Nothing is compressed, because photos are. Photos that cannot be read are listed in ``NOT_INCLUDED``.

    Raises:
        OSError: A photo cannot be read to its end.
    """
    output, names, failed = _Output(), UniqueNames(), list[str]()
    names.add(NOT_INCLUDED)
    with ZipFile(output, "w") as archive:  # type: ignore[call-overload]  # needs no more than these methods
        for photo in photos:
            try:
                name, content, when = _open(files, photo)
            except (PhotoseekError, OSError) as error:
                reason = str(error) if isinstance(error, PhotoseekError) else error.strerror or ""
                failed.append(f"{files.path(photo)}: {files.public(reason)}\n")
                continue
            with content, archive.open(_entry(names.add(name), content, when), "w") as entry:
                while part := content.read(_CHUNK):
                    entry.write(part)
                    yield output.take()
        if failed:
            archive.writestr(ZipInfo(NOT_INCLUDED, _date(time.time())), "".join(failed))
    yield output.take()


def _open(files: PhotoFiles, photo: int) -> tuple[str, BinaryIO, float]:
    """Return the name of a photo, its content, and its time of modification.

    Raises:
        PhotoseekError: It is not in the gallery, does not exist or cannot be decoded.
        OSError: Its file cannot be opened.
    """
    file, name = files.find(photo)
    files.version(file, "file")  # raises if it does not exist
    when = file.stat().st_mtime if isinstance(file, Path) else 0.0
    if files.original_type(file, "file") is None:
        return files.jpeg_name(name), BytesIO(files.jpeg(file, "file")), when
    return name, file.open("rb") if isinstance(file, Path) else BytesIO(read_photo(file)), when


def _entry(name: str, content: BinaryIO, when: float) -> ZipInfo:
    info = ZipInfo(name, max(_date(when), _OLDEST))
    info.file_size = content.seek(0, SEEK_END)  # selects the format of files above 2 GB
    content.seek(0)
    return info


def _date(when: float) -> tuple[int, int, int, int, int, int]:
    year, month, day, hour, minute, second, *_ = time.localtime(when)
    return year, month, day, hour, minute, second
