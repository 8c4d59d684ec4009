"""Photos made small enough to send to a browser, and kept: bounded in size and in number."""

from __future__ import annotations

import io
import os
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos import open_photo, read_photo

SIDE = 640
"""The longer side of a thumbnail, in pixels."""

_KEPT = 256  # thumbnails; some 20 MB
_QUALITY = 82
_JPEG_START = b"\xff\xd8\xff"


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
    image = _decode(data, side)
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


def _decode(data: bytes, side: int) -> Image.Image:
    if not data.startswith(_JPEG_START):
        return open_photo(data)
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            image.draft("RGB", (side, side))  # decoded at a half, a quarter or an eighth, and many times faster
            return open_photo(image)
    except PhotoError:
        raise
    except Exception:  # a damaged header: let the library find the words for it
        return open_photo(data)
