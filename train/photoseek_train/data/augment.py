"""What training changes about a photo: a random part of it, mirrored, recoloured, partly wiped out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.config import AugmentConfig
from photoseek_train.errors import SettingsError

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_ATTEMPTS = 10  # torchvision's RandomResizedCrop
_ROOM = 8 / 7  # a squeezed photo is kept a little larger than what training cuts out of it
_GROWTH = 0.8  # share of the epochs in which the pictures grow
_STEP = 32  # by which they grow, in pixels: so much is one place of a ResNet's last map, which then lies as it did
_ERASED = (0.02, 0.2)  # share of the area; Zhong et al. 2017 go up to 0.4


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
    """What ``AugmentConfig`` says, in its order; the values are scaled by ``Preprocessing`` as in evaluation.

    Attributes:
        config: What is changed.
        preprocessing: The evaluation transform.
        epochs: Of the run, over which the pictures grow.
    """

    config: AugmentConfig
    preprocessing: Preprocessing
    epochs: int = 1

    def at_epoch(self, epoch: int) -> Augmentation:
        """The augmentation as it is in an epoch, counted from 1."""
        side = side_in_epoch(self.config, self.preprocessing.width, epoch, self.epochs)
        if side == self.preprocessing.width:
            return self
        return replace(self, preprocessing=replace(self.preprocessing, width=side, height=side))

    def __call__(self, view: Image.Image, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Pixel values of a random part of the photo, float32 (3, height, width)."""
        whole = self.preprocessing
        ratio = 3 / 4 if whole.shortest_edge is not None else 0.9  # what was squeezed once is squeezed little more
        box = random_box(*view.size, self.config.crop_scale, ratio, rng)
        part = view.resize((whole.width, whole.height), Image.Resampling(whole.resample), box=box)
        if self.config.flip and rng.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        part = recolored(part, self.config.color, self.config.gray, rng)
        pixels = replace(whole, shortest_edge=None)(part)
        if rng.random() < self.config.erase:
            erase(pixels, rng)
        return pixels


def expect_sizes(config: AugmentConfig, preprocessing: Preprocessing) -> None:
    """See that training cuts out no more pixels than are kept of a photo, and begins with no more than it ends with.

    Raises:
        SettingsError: A side that is too large.
    """
    whole = preprocessing.width
    if config.size > whole:
        raise SettingsError(
            f"train_size: expected at most the {whole} pixels of evaluation, found {config.size}; "
            "give a larger --image-size, or a smaller --train-size"
        )
    if config.first_size > (config.size or whole):
        raise SettingsError(
            f"first_size: expected at most the {config.size or whole} pixels that it grows to, "
            f"found {config.first_size}"
        )


def side_in_epoch(config: AugmentConfig, whole: int, epoch: int, epochs: int) -> int:
    """Side of the pictures of an epoch, in pixels.

    Args:
        config: Where growth begins and ends.
        whole: Side in evaluation.
        epoch: Counted from 1.
        epochs: How many there are.
    """
    last = config.size or whole
    grown = (epoch - 1) / (_GROWTH * epochs)
    if not config.first_size or grown >= 1 or epoch == epochs:
        return last
    return min(last, config.first_size + _STEP * math.floor(grown * (last - config.first_size) / _STEP + 0.5))


def recolored(image: Image.Image, strength: float, gray: float, rng: np.random.Generator) -> Image.Image:
    """Change saturation, contrast and brightness, each by a factor drawn from 1 - strength to 1 + strength.

    Args:
        image: RGB.
        strength: Within [0, 1].
        gray: How likely the colours are dropped altogether.
        rng: Where the choices come from.
    """
    if rng.random() < gray:
        image = ImageEnhance.Color(image).enhance(0.0)
    if strength:
        for kind in (ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Brightness):
            image = kind(image).enhance(rng.uniform(1 - strength, 1 + strength))
    return image


def erase(pixels: npt.NDArray[np.float32], rng: np.random.Generator) -> None:
    """Set a random rectangle to zero, the mean colour: random erasing (Zhong et al. 2017, algorithm 1).

    Args:
        pixels: (3, height, width); changed in place.
        rng: Where the choices come from.
    """
    _, height, width = pixels.shape
    area, aspect = rng.uniform(*_ERASED), math.exp(rng.uniform(math.log(1 / 3), math.log(3)))
    h = min(height, max(1, round(height * math.sqrt(area / aspect))))
    w = min(width, max(1, round(width * math.sqrt(area * aspect))))
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    pixels[:, top : top + h, left : left + w] = 0.0


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
