"""A zip file of photos, written while it is sent."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from photoseek.errors import PhotoseekError
from photoseek.page.photo_files import PhotoFiles
from photoseek.photos.decode import read_photo

MAX_PHOTOS = 2000
"""Maximum number of photos in one zip file."""

NOT_INCLUDED = "not-included.txt"
"""Name of the file in a zip file that lists photos that could not be read, one a line, with the reason."""

_CHUNK = 1 << 18  # bytes
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # never files on Windows
_MOST_BYTES = 200  # of a name; file systems accept 255
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


class UniqueNames:
    """Names of files that every system can unpack into one folder."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def add(self, name: str) -> str:
        """Return a safe name like this one that was not returned before, in upper or lower case."""
        safe = unicodedata.normalize("NFC", _UNSAFE.sub("_", name))
        stem, dot, ending = _DEVICE.sub(r"_\1", safe.strip(". ") or "photo").rpartition(".")
        stem, ending = (stem, dot + ending) if stem else (ending, "")
        stem = stem.encode()[: _MOST_BYTES - len(ending.encode()[:_MOST_BYTES])].decode("utf-8", "ignore")
        found, number = f"{stem}{ending}", 1
        while found.casefold() in self._taken:
            number += 1
            found = f"{stem} ({number}){ending}"
        self._taken.add(found.casefold())
        return found
