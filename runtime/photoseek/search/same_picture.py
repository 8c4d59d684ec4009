"""Whether two photos show the same picture, by small thumbnails: at another size, recompressed or slightly cropped.

Vectors alone do not decide it: those of screenshots of different messages may be nearer to each other than those of a
photo and its copy.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from photoseek.errors import PhotoseekError
from photoseek.vectors import Mask, Rows

Gray = npt.NDArray[np.float32]

_FINE, _COARSE, _CROPPED = 128, 64, 32  # sides of the gray pictures that are compared, whatever the shape of the photo
_CROPS = (0.0, 0.025, 0.05)  # shares of width and height that may be cut off at each edge
_BLOCK = 8
_ALIKE = 0.94  # correlation of the best aligned pictures; photos of one scene have less
_ALIKE_IN_DETAIL = {True: 0.96, False: 0.9}  # correlation without cropping, by whether the photos have the same size
_CONCENTRATED = 5.0  # largest difference of a block, in units of the median one; copies have less
_NOISE = 2e-4  # squared difference that every copy may have, relative to the contrast
_FLAT = 2.0  # standard deviation of the gray values of a picture without content
_KEPT = 250  # pictures in memory, 410 kB each


@dataclass(frozen=True)
class Picture:
    """A photo as small gray squares.

    Attributes:
        fine: (128, 128), for details.
        coarse: (64, 64).
        crops: Crops of it by up to 5 % at each edge, as unit vectors (81, 1024); the first is uncropped.
        size: Width and height of the photo.
    """

    fine: Gray
    coarse: Gray
    crops: Gray
    size: tuple[int, int]

    @classmethod
    def of(cls, jpeg: bytes, size: tuple[int, int]) -> Picture:
        """Reduce a thumbnail of a photo of this size."""
        with Image.open(io.BytesIO(jpeg)) as image:
            gray = image.convert("L")
        fine, coarse = (
            np.asarray(gray.resize((side, side), Image.Resampling.BOX), dtype=np.float32) for side in (_FINE, _COARSE)
        )
        rows = _WEIGHTS @ coarse
        crops = np.matmul(rows[:, None], _WEIGHTS.transpose(0, 2, 1)[None])
        return cls(fine, coarse, _unit(crops.reshape(-1, _CROPPED * _CROPPED)), size)

    def shows_same(self, other: Picture) -> bool:
        """Return whether another photo is a copy of this one.

        A copy correlates with it, perhaps cropped, and differs from it alike everywhere: another text in the same
        layout differs only where its letters do. Photos of the same size are not crops of each other.
        """
        if min(self.coarse.std(), other.coarse.std()) < _FLAT:
            return bool(np.abs(self.coarse - other.coarse).max() < _FLAT)
        aligned = float(self.crops[0] @ other.crops[0])
        cropped = max(float((self.crops @ other.crops[0]).max()), float((other.crops @ self.crops[0]).max()))
        if max(aligned, cropped) < _ALIKE:
            return False
        if cropped > aligned and self.size != other.size:
            return True
        detail = float(_unit(self.coarse.reshape(1, -1))[0] @ _unit(other.coarse.reshape(1, -1))[0])
        if detail < _ALIKE_IN_DETAIL[self.size == other.size]:
            return False
        return _concentration(self.fine, other.fine) < _CONCENTRATED


class SamePicture:
    """Compares photos by their rows, and reads the thumbnail of each when it is first compared."""

    def __init__(self, thumbnail: Callable[[int], tuple[bytes, tuple[int, int]]]) -> None:
        """Compare photos by their thumbnails.

        Args:
            thumbnail: Returns the thumbnail of the photo of a row, as a JPEG, and the width and height of the photo.
                A photo for which it raises a ``PhotoseekError`` is not the same as any other.
        """
        self._thumbnail = thumbnail
        self._kept: OrderedDict[int, Picture | None] = OrderedDict()

    def __call__(self, row: int, others: Rows) -> Mask:
        """Return which of the other photos (n,) are copies of a photo."""
        first = self._picture(row)
        same = np.zeros(len(others), dtype=bool)
        for number, other in enumerate(others.tolist()):
            second = None if first is None else self._picture(other)
            same[number] = first is not None and second is not None and first.shows_same(second)
        return same

    def _picture(self, row: int) -> Picture | None:
        if row not in self._kept:
            try:
                self._kept[row] = Picture.of(*self._thumbnail(row))
            except (PhotoseekError, OSError):
                self._kept[row] = None
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(row)
        return self._kept[row]


def _concentration(one: Gray, other: Gray) -> float:
    """Return the largest difference of a block with contrast, relative to that contrast, in units of the median."""
    first, second = _blocks(one), _blocks(other)
    difference = (first - second).var(axis=1)
    contrast = (first.var(axis=1) + second.var(axis=1)) / 2
    relative = (difference / (contrast + 4))[contrast >= contrast.mean() / 2]
    return float(np.sqrt(relative.max() / (np.median(relative) + _NOISE)))


def _blocks(picture: Gray) -> Gray:
    count = len(picture) // _BLOCK
    return picture.reshape(count, _BLOCK, count, _BLOCK).transpose(0, 2, 1, 3).reshape(count * count, -1)


def _unit(rows: Gray) -> Gray:
    """Return rows without their means, of unit length."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    unit: Gray = centered / (np.linalg.norm(centered, axis=1, keepdims=True) + np.float32(1e-6))
    return unit


def _weights() -> Gray:
    """Return a matrix (32, 64) for each crop of a line, that averages the pixels which each new pixel covers."""
    pixels = np.arange(_COARSE)
    found = []
    for before in _CROPS:
        for after in _CROPS:
            edges = np.linspace(before, 1 - after, _CROPPED + 1)[:, None] * _COARSE
            covered = np.clip(np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels), 0, None)
            found.append(covered / covered.sum(axis=1, keepdims=True))
    return np.array(found, dtype=np.float32)


_WEIGHTS = _weights()
