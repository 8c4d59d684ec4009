"""Thumbnails for browsers, in a cache of bounded size."""

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

_CACHED_THUMBNAILS = 256  # about 20 MB
_CACHED_VERSIONS = 4096  # of photos in object storage, where each costs a request
VERSION_MAX_AGE_S = 60.0
_QUALITY = 82


def thumbnail(file: PhotoFile, side: int = SIDE, max_pixels: int | None = None) -> bytes:
    """Return a photo as an upright JPEG of at most ``side`` pixels in each direction, cached until the file changes.

    ``max_pixels``: as for ``decode_photo``.

    Raises:
        PhotoError: The photo does not exist or cannot be decoded; the message is the reason.
    """
    return _cached(file, *cache_key(file), side, max_pixels)


def cache_key(file: PhotoFile) -> tuple[int, int]:
    """Return modification time in nanoseconds and size of a photo, or its version in object storage.

    Raises:
        PhotoError: It does not exist; the message is the reason.
    """
    if not isinstance(file, Path):
        return _version(file, int(time.monotonic() / VERSION_MAX_AGE_S))
    try:
        status = file.stat()
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error
    return status.st_mtime_ns, status.st_size


def make_thumbnail(data: bytes, side: int = SIDE, max_pixels: int | None = None) -> bytes:
    """Return the bytes of a photo as an upright JPEG of at most ``side`` pixels in each direction.

    ``max_pixels``: as for ``decode_photo``.

    Raises:
        PhotoError: They cannot be decoded; the message is the reason.
    """
    image = decode_photo(data, side, max_pixels=max_pixels).image
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()


def data_uri(jpeg: bytes) -> str:
    """Return JPEG bytes as a data URI."""
    return "data:image/jpeg;base64," + b64encode(jpeg).decode("ascii")


@lru_cache(maxsize=_CACHED_VERSIONS)
def _version(photo: StoredPhoto, moment: int) -> tuple[int, int]:
    del moment  # part of the key: old entries are not used
    return photo.version()


@lru_cache(maxsize=_CACHED_THUMBNAILS)
def _cached(file: PhotoFile, mtime_ns: int, size: int, side: int, max_pixels: int | None) -> bytes:
    del mtime_ns, size  # part of the key: a changed file is read again
    return make_thumbnail(read_photo(file), side, max_pixels)
