"""Thumbnails that are embedded in a report."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass, field

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos.decode import open_photo
from photoseek_train.data.dataset import CaptionedPhotos

SIDE = 192
"""Longer side of a thumbnail in pixels: about 7 kB each."""

_QUALITY = 72


@dataclass(frozen=True)
class Picture:
    """A photo of the split; ``uri`` is None if it cannot be decoded."""

    name: str
    uri: str | None


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails of a split by row; each photo is decoded once."""

    data: CaptionedPhotos
    _cache: dict[int, Picture] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, row: int) -> Picture:
        """Return the thumbnail of a photo; a photo that cannot be decoded does not fail the report."""
        if row not in self._cache:
            name = self.data.names[row]
            try:
                uri = thumbnail_uri(open_photo(self.data.folder / name))
            except PhotoError:
                uri = None
            self._cache[row] = Picture(name, uri)
        return self._cache[row]


def thumbnail_uri(photo: Image.Image) -> str:
    """Return a photo as a small JPEG in a data URI."""
    small = photo.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    small.save(target, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + b64encode(target.getvalue()).decode("ascii")
