"""Photos made small enough to send to a browser, and kept: bounded in size and in number."""

from __future__ import annotations

import io
import time
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos.decode import decode_photo, read_photo
from photoseek.photos.photo_file import PhotoFile, StoredPhoto

SIDE = 640
"""The longer side of a thumbnail, in pixels."""

_KEPT = 256  # thumbnails; some 20 MB
_LOOKED_AT = 4096  # photos in object storage, whose version takes a request
_REMEMBERED_S = 60.0  # at most, is that remembered
_QUALITY = 82


def thumbnail(file: PhotoFile, side: int = SIDE) -> bytes:
    """A photo as JPEG, at most ``side`` pixels wide and high, upright; made again only when the file has changed.

    Raises:
        PhotoError: The photo is gone or cannot be decoded; the message is the reason.
    """
    return _cached(file, *cache_key(file), side)


def cache_key(file: PhotoFile) -> tuple[int, int]:
    """What changes when a photo does: the time of its change in nanoseconds, and its size.

    Raises:
        PhotoError: It is gone; the message is the reason.
    """
    if not isinstance(file, Path):
        return _oriented_image(file, int(time.monotonic() / _REMEMBERED_S))
    try:
        status = file.stat()
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error
    return status.st_mtime_ns, status.st_size


def make_thumbnail(data: bytes, side: int = SIDE) -> bytes:
    """The bytes of a photo as those of a JPEG, at most ``side`` pixels wide and high, upright.

    Raises:
        PhotoError: They cannot be decoded; the message is the reason.
    """
    image = decode_photo(data, side).image
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()


def data_uri(jpeg: bytes) -> str:
    """JPEG bytes as an address that a page can show without asking a server."""
    return "data:image/jpeg;base64," + b64encode(jpeg).decode("ascii")


@lru_cache(maxsize=_LOOKED_AT)
def _oriented_image(photo: StoredPhoto, moment: int) -> tuple[int, int]:
    del moment  # it makes what was seen long ago another key
    return photo.version()


@lru_cache(maxsize=_KEPT)
def _cached(file: PhotoFile, mtime_ns: int, size: int, side: int) -> bytes:
    del mtime_ns, size  # they make a changed file another key
    return make_thumbnail(read_photo(file), side)
