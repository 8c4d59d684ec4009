"""Photos made small enough to send to a browser, and kept: bounded in size and in number."""

from __future__ import annotations

import io
import os
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos import decode_photo, read_photo

SIDE = 640
"""The longer side of a thumbnail, in pixels."""

_KEPT = 256  # thumbnails; some 20 MB
_QUALITY = 82


def thumbnail(file: Path, side: int = SIDE) -> bytes:
    """A photo as JPEG, at most ``side`` pixels wide and high, upright; made again only when the file has changed.

    Raises:
        PhotoError: The photo is gone or cannot be decoded; the message is the reason.
    """
    status = status_of(file)
    return _kept(file, status.st_mtime_ns, status.st_size, side)


def status_of(file: Path) -> os.stat_result:
    """Size and time of change of a photo.

    Raises:
        PhotoError: It is gone; the message is the reason.
    """
    try:
        return file.stat()
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error


def shrink(data: bytes, side: int = SIDE) -> bytes:
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


@lru_cache(maxsize=_KEPT)
def _kept(file: Path, mtime_ns: int, size: int, side: int) -> bytes:
    del mtime_ns, size  # they make a changed file another key
    return shrink(read_photo(file), side)
