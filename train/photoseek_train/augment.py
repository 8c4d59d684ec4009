"""What training changes about a photo: a random part of it, sometimes mirrored."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from photoseek.preprocess import Preprocessing
from photoseek_train.config import AugmentConfig

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_ATTEMPTS = 10  # torchvision's RandomResizedCrop
_ROOM = 8 / 7  # a squeezed photo is kept a little larger than what training cuts out of it


def wide_view(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """All of a photo, as small as training needs it: decoded once, it is cut and mirrored in every epoch."""
    filter_ = Image.Resampling(preprocessing.resample)
    if preprocessing.shortest_edge is None:
        size = round(preprocessing.width * _ROOM), round(preprocessing.height * _ROOM)
        return image.resize(size, filter_)
    scale = preprocessing.shortest_edge / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)), filter_)


@dataclass(frozen=True)
class Augmentation:
    """A random resized crop and a flip; the values are then scaled by ``Preprocessing`` as in evaluation."""

    config: AugmentConfig
    preprocessing: Preprocessing

    def __call__(self, view: Image.Image, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Pixel values of a random part of the photo, float32 (3, height, width)."""
        whole = self.preprocessing
        ratio = 3 / 4 if whole.shortest_edge is not None else 0.9  # what was squeezed once is squeezed little more
        box = random_box(*view.size, self.config.crop_scale, ratio, rng)
        part = view.resize((whole.width, whole.height), Image.Resampling(whole.resample), box=box)
        if self.config.flip and rng.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return replace(whole, shortest_edge=None)(part)


def random_box(width: int, height: int, least: float, ratio: float, rng: np.random.Generator) -> Box:
    """A random part of a picture: Inception's crop (Szegedy et al. 2014), as torchvision's RandomResizedCrop.

    Args:
        width: Of the picture.
        height: Of the picture.
        least: Least share of the area.
        ratio: Least width over height; its inverse is the greatest.
        rng: Where the choices come from.
    """
    for _ in range(_ATTEMPTS):
        area = width * height * rng.uniform(least, 1.0)
        aspect = math.exp(rng.uniform(math.log(ratio), -math.log(ratio)))
        w, h = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if w <= width and h <= height:
            left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
            return left, top, min(left + w, width), min(top + h, height)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side
