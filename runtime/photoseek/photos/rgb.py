"""Any Pillow mode -> 8-bit RGB, a strip at a time, so that a large picture needs no further copies of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_BACKGROUND = (255, 255, 255)  # what shows through transparent pixels
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
STRIP = 4_000_000
"""Pixels that are converted at once."""

Box = tuple[int, int, int, int]


def to_rgb(image: Image.Image, strip: int = STRIP) -> Image.Image:
    """Return a picture of any Pillow mode as 8-bit RGB; one that is RGB already is returned itself."""
    if image.mode == "RGB":
        return image
    boxes = list(_row_blocks(*image.size, strip))
    highest = max((_max_value(image.crop(box)) for box in boxes), default=0.0) if image.mode in ("F", "I") else 0.0
    if len(boxes) == 1:
        return _converted(image, highest)
    result = Image.new("RGB", image.size)
    for box in boxes:
        result.paste(_converted(image.crop(box), highest), box)
    return result


def _row_blocks(width: int, height: int, strip: int) -> Iterator[Box]:
    """Boxes of at most ``strip`` pixels that make up a picture."""
    columns = max(1, min(width, strip))
    rows = max(1, strip // columns)
    for top in range(0, max(1, height), rows):
        for left in range(0, max(1, width), columns):
            yield left, top, min(left + columns, width), min(top + rows, height)


def _converted(image: Image.Image, highest: float) -> Image.Image:
    if image.mode in _SIXTEEN_BIT or image.mode == "F":
        return _eight_bits(image, highest).convert("RGB")
    if image.mode in ("RGBa", "La"):  # premultiplied alpha
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, _BACKGROUND), layer).convert("RGB")
    return image.convert("RGB")


def _max_value(image: Image.Image) -> float:
    return float(_values(image).max(initial=0.0))


def _eight_bits(image: Image.Image, highest: float) -> Image.Image:
    """Grey values of 16 bits (0..65535) or floats (0..1, or 0..255) scaled to 0..255; ``highest``: of the picture."""
    values = _values(image)
    if image.mode == "F":
        values = values * 255.0 if highest <= 1.0 else values
    elif image.mode != "I" or highest > 255:
        values = values / 257.0
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _values(image: Image.Image) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore"):  # a signalling NaN, which numpy would warn of
        return np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
