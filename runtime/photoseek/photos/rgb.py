"""Any Pillow mode -> 8-bit RGB, in blocks of rows, so that a large picture is not copied in full several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

_WHITE, _DARK = (255, 255, 255), (32, 32, 32)  # behind transparent pixels
_LIGHT = 224  # mean gray of drawings that a white background would hide
_MANY = 0.2  # share of transparent pixels of a drawing; a screenshot with round corners has fewer
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_PREMULTIPLIED = ("RGBa", "La")
_DEEP = (*_SIXTEEN_BIT, "I", "F")
_OUTLIERS = 0.1  # percent of the pixels at each end that do not count, such as hot ones
_SAMPLES = 1_000  # rows, and columns, that the range is computed from
BLOCK = 4_000_000
"""Maximum number of pixels that are converted at once."""

Box = tuple[int, int, int, int]


class _Range(NamedTuple):
    """The values that become black and white."""

    low: float
    high: float


def to_rgb(image: Image.Image, block: int = BLOCK) -> Image.Image:
    """Return a picture of any Pillow mode as 8-bit RGB; an RGB picture is returned unchanged.

    Grays of 16 bits and floating-point grays of 0 to 1 or 0 to 255 keep their scale. Those of another range, such as 12
    bits in 16 or the counts of a detector, are scaled so that nearly all of their values fit, like scikit-image's
    ``rescale_intensity`` with percentiles. Transparent pixels become white; around a light drawing, they become dark.
    """
    if image.mode == "RGB":
        return image
    boxes = list(_row_blocks(*image.size, block))
    values = _range_of(image, boxes) if image.mode in _DEEP else None
    background = _background(image) if image.has_transparency_data or image.mode in _PREMULTIPLIED else _WHITE
    if len(boxes) == 1:
        return _converted(image, values, background)
    result = Image.new("RGB", image.size)
    for box in boxes:
        result.paste(_converted(image.crop(box), values, background), box)
    return result


def _row_blocks(width: int, height: int, block: int) -> Iterator[Box]:
    """Yield boxes of at most ``block`` pixels that cover a picture."""
    columns = max(1, min(width, block))
    rows = max(1, block // columns)
    for top in range(0, max(1, height), rows):
        for left in range(0, max(1, width), columns):
            yield left, top, min(left + columns, width), min(top + rows, height)


def _converted(image: Image.Image, values: _Range | None, background: tuple[int, int, int]) -> Image.Image:
    if values is not None:
        return _eight_bits(image, values).convert("RGB")
    image = _straight(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, background), layer).convert("RGB")
    return image.convert("RGB")


def _straight(image: Image.Image) -> Image.Image:
    """Return a picture whose colors are not multiplied by its alpha."""
    return image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode]) if image.mode in _PREMULTIPLIED else image


def _background(image: Image.Image) -> tuple[int, int, int]:
    """Return the color behind transparent pixels; it contrasts with a light drawing."""
    step = max(1, max(image.size) // 256)
    small = image.resize((max(1, image.width // step), max(1, image.height // step)), Image.Resampling.NEAREST)
    gray, alpha = (
        np.asarray(each, dtype=np.float64) for each in _straight(small).convert("RGBA").convert("LA").split()
    )
    if (alpha < 128).mean() < _MANY or not alpha.any():
        return _WHITE
    return _DARK if np.average(gray, weights=alpha) > _LIGHT else _WHITE


def _range_of(image: Image.Image, boxes: list[Box]) -> _Range:
    """Return the values of a gray picture that become black and white."""
    found = np.concatenate([_samples(image, box) for box in boxes])
    low, high = np.percentile(found, [_OUTLIERS, 100 - _OUTLIERS]) if found.size else (0.0, 0.0)
    if image.mode in _SIXTEEN_BIT:
        usual = [65_535] if high > 16_383 else []  # fewer than 15 bits are used
    else:
        usual = [1] if image.mode == "F" and high <= 1 else [255] if high <= 255 else [65_535] if high > 16_383 else []
    if usual and low >= 0 and high <= usual[0]:
        return _Range(0.0, usual[0])
    return _Range(float(low), float(high))


def _samples(image: Image.Image, box: Box) -> npt.NDArray[np.float64]:
    """Return the pixels in a box that are in every n-th row and column; a picture has about a thousand of each."""
    left, top, _, _ = box
    across, down = (max(1, side // _SAMPLES) for side in image.size)
    return _values(image.crop(box))[-top % down :: down, -left % across :: across].ravel()


def _eight_bits(image: Image.Image, values: _Range) -> Image.Image:
    """Scale grays so that ``values`` become 0 and 255."""
    scaled = (_values(image) - values.low) * (255.0 / max(values.high - values.low, 1e-12))
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _values(image: Image.Image) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore"):  # numpy would warn about a signaling NaN
        return np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
