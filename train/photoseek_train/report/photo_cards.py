"""Thumbnails embedded in a report."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos.decode import open_photo
from photoseek_train.data.dataset import CaptionedPhotos

_SIDE = 192  # longer side in pixels: about 7 kB each
_QUALITY = 72


@dataclass(frozen=True)
class Picture:
    """A photo of the split; ``uri`` is None if it cannot be decoded."""

    name: str
    uri: str | None


def thumbnails(data: CaptionedPhotos) -> Callable[[int], Picture]:
    """Return a function from the row of a photo to its thumbnail; each photo is decoded once."""

    @cache
    def picture(row: int) -> Picture:
        name = data.names[row]
        try:
            return Picture(name, _data_uri(open_photo(data.folder / name)))
        except PhotoError:  # must not fail the report
            return Picture(name, None)

    return picture


def _data_uri(photo: Image.Image) -> str:
    """Return a photo as a small JPEG in a data URI."""
    small = photo.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    small.save(target, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + b64encode(target.getvalue()).decode("ascii")
