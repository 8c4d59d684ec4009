"""Files that end early, such as those of an interrupted copy: what can be shown of them.

Decoders of JPEG, PNG, GIF, BMP, PPM and uncompressed TIFF return the rows that they have. Those of other formats return
nothing, and neither does Pillow for an interlaced PNG or GIF, whose rows are not in order.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos.open_image import open_jpeg

_SHARE = 0.5
"""A photo is read if at least this share of its rows can be shown: the rest is no longer what its owner remembers."""

_ROWS = 64
"""A photo is read if at least this many of its rows can be shown."""

_MESSAGE = "image file is truncated"
_JPEG_END = b"\xff\xd9"
_GRAY = (127, 128)  # what the decoder of JPEG returns where it has no data; 127 in CMYK, which Pillow inverts
_BLOCK = 256  # rows that are compared at once


class Loaded(NamedTuple):
    """A decoded picture, without the rows that are missing; ``incomplete``: whether there are any."""

    image: Image.Image
    incomplete: bool = False


def load_image(image: Image.Image, data: bytes | None, height: int, draft: Callable[[Image.Image], object]) -> Loaded:
    """Decode a picture, or what can be shown of it if its file ends early.

    Args:
        image: The picture, whose pixels are not decoded yet.
        data: Its file. None: it must be complete.
        height: Its height at full size, in pixels.
        draft: Selects the size at which a JPEG is decoded, which is opened again.

    Raises:
        PhotoError: Too little of it can be shown.
        Exception: Of Pillow, if it cannot be decoded for another reason.
    """
    try:
        image.load()
        return Loaded(image)
    except OSError as error:
        if data is None or not str(error).startswith(_MESSAGE) or _is_interlaced(image):
            raise
    if image.format in ("JPEG", "MPO"):
        image = open_jpeg(io.BytesIO(data + _JPEG_END))
        draft(image)
        image.load()
        top, bottom = _shown(image, *_GRAY)
    else:
        image.tile = []  # type: ignore[attr-defined] # what was decoded is kept, and not decoded again
        fill = image.info.get("transparency") if image.format == "GIF" else None
        top, bottom = _shown(image, fill if isinstance(fill, int) else 0)
    share = (bottom - top) / image.height
    if share < _SHARE or share * height < _ROWS:
        raise PhotoError(f"damaged: the file ends after {share:.0%} of the picture")
    return Loaded(image.crop((0, top, image.width, bottom)), incomplete=True)


def _is_interlaced(image: Image.Image) -> bool:
    if image.format == "GIF":
        return bool(image.tile[0].args[1])  # type: ignore[attr-defined]
    return bool(image.info.get("interlace"))


def _shown(image: Image.Image, *fill: int) -> tuple[int, int]:
    """Return the first row with data and the one after the last: a BMP starts with the last row.

    Args:
        image: A picture whose missing rows have only values of ``fill``.
        fill: Values.
    """
    blocks = [(top, min(top + _BLOCK, image.height)) for top in range(0, image.height, _BLOCK)]
    first = next((row for block in blocks for row in _rows(image, *block, fill)), None)
    last = next((row for block in reversed(blocks) for row in reversed(_rows(image, *block, fill))), None)
    return (0, 0) if first is None or last is None else (first, last + 1)


def _rows(image: Image.Image, top: int, bottom: int, fill: tuple[int, ...]) -> list[int]:
    """Return which rows of a block have data."""
    values = np.asarray(image.crop((0, top, image.width, bottom)))
    has_data = ~np.isin(values.reshape(len(values), -1), fill)
    return [top + int(row) for row in np.flatnonzero(has_data.any(axis=1))]
