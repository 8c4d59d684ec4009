"""Any Pillow mode -> 8-bit RGB, in blocks of rows, so that a large picture is not copied in full several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_BACKGROUND = (255, 255, 255)  # behind transparent pixels
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
BLOCK = 4_000_000
"""Maximum number of pixels that are converted at once."""

Box = tuple[int, int, int, int]


def to_rgb(image: Image.Image, block: int = BLOCK) -> Image.Image:
    """Return a picture of any Pillow mode as 8-bit RGB; an RGB picture is returned unchanged."""
    if image.mode == "RGB":
        return image
    boxes = list(_row_blocks(*image.size, block))
    highest = max((_max_value(image.crop(box)) for box in boxes), default=0.0) if image.mode in ("F", "I") else 0.0
    if len(boxes) == 1:
        return _converted(image, highest)
    result = Image.new("RGB", image.size)
    for box in boxes:
        result.paste(_converted(image.crop(box), highest), box)
    return result


def _row_blocks(width: int, height: int, block: int) -> Iterator[Box]:
    """Yield boxes of at most ``block`` pixels that cover a picture."""
    columns = max(1, min(width, block))
    rows = max(1, block // columns)
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
    """Scale 16-bit grays (0..65535) or floats (0..1, or 0..255) to 0..255; ``highest``: the picture's maximum."""
    values = _values(image)
    if image.mode == "F":
        values = values * 255.0 if highest <= 1.0 else values
    elif image.mode != "I" or highest > 255:
        values = values / 257.0
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _values(image: Image.Image) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore"):  # numpy would warn about a signaling NaN
        return np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
