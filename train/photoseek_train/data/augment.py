"""Augmentation of training photos: random crops, flips, color changes and erasing."""

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
_CROP_MARGIN = 8 / 7  # a squashed photo is stored slightly larger than the training crop
_GROWTH = 0.8  # fraction of the epochs in which the image size grows
_STEP = 32  # pixels per increase: the total stride of a ResNet, so that its last feature map stays aligned
_ERASED = (0.02, 0.2)  # fraction of the area; Zhong et al. 2017 use up to 0.4


def resize_for_training(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """Return the full photo at the smallest size that training crops need; every epoch crops it again."""
    filter_ = Image.Resampling(preprocessing.resample)
    if preprocessing.shortest_edge is None:
        size = round(preprocessing.width * _CROP_MARGIN), round(preprocessing.height * _CROP_MARGIN)
        return image.resize(size, filter_)
    scale = preprocessing.shortest_edge / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)), filter_)


@dataclass(frozen=True)
class Augmentation:
    """The transform that ``AugmentConfig`` describes; pixel values are normalized as in evaluation.

    Attributes:
        config: The augmentations to apply.
        preprocessing: The evaluation transform.
        epochs: Epochs of the run, over which the image size grows.
    """

    config: AugmentConfig
    preprocessing: Preprocessing
    epochs: int = 1

    def for_epoch(self, epoch: int) -> Augmentation:
        """Return the augmentation of an epoch, counted from 1."""
        side = image_size_at(self.config, self.preprocessing.width, epoch, self.epochs)
        if side == self.preprocessing.width:
            return self
        return replace(self, preprocessing=replace(self.preprocessing, width=side, height=side))

    def __call__(self, view: Image.Image, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Return the pixel values of a random crop of the photo, float32 (3, height, width)."""
        target = self.preprocessing
        ratio = 3 / 4 if target.shortest_edge is not None else 0.9  # a squashed photo is already distorted
        box = random_box(*view.size, self.config.crop_scale, ratio, rng)
        part = view.resize((target.width, target.height), Image.Resampling(target.resample), box=box)
        if self.config.flip and rng.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        part = color_jitter(part, self.config.color, self.config.gray, rng)
        pixels = replace(target, shortest_edge=None)(part)
        if rng.random() < self.config.erase:
            random_erase(pixels, rng)
        return pixels


def check_sizes(config: AugmentConfig, preprocessing: Preprocessing) -> None:
    """Check that training crops are at most as large as evaluation images, and that the size does not shrink.

    Raises:
        SettingsError: A size is too large.
    """
    full = preprocessing.width
    if config.size > full:
        raise SettingsError(
            f"train_size: expected at most the {full} pixels of evaluation, found {config.size}; "
            "increase --image-size, or decrease --train-size"
        )
    if config.first_size > (config.size or full):
        raise SettingsError(
            f"first_size: expected at most the {config.size or full} pixels of the last epoch, "
            f"found {config.first_size}; decrease --first-size"
        )


def image_size_at(config: AugmentConfig, full_size: int, epoch: int, epochs: int) -> int:
    """Return the side of the images of an epoch, in pixels.

    Args:
        config: First and last size.
        full_size: Side in evaluation.
        epoch: Epoch, counted from 1.
        epochs: Number of epochs.
    """
    last = config.size or full_size
    grown = (epoch - 1) / (_GROWTH * epochs)
    if not config.first_size or grown >= 1 or epoch == epochs:
        return last
    return min(last, config.first_size + _STEP * math.floor(grown * (last - config.first_size) / _STEP + 0.5))


def color_jitter(image: Image.Image, strength: float, gray: float, rng: np.random.Generator) -> Image.Image:
    """Change saturation, contrast and brightness, each by a factor between 1 - strength and 1 + strength.

    Args:
        image: RGB image.
        strength: Within [0, 1].
        gray: Probability of converting the image to grayscale.
        rng: Random generator.
    """
    if rng.random() < gray:
        image = ImageEnhance.Color(image).enhance(0.0)
    if strength:
        for kind in (ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Brightness):
            image = kind(image).enhance(rng.uniform(1 - strength, 1 + strength))
    return image


def random_erase(pixels: npt.NDArray[np.float32], rng: np.random.Generator) -> None:
    """Set a random rectangle to zero, the mean color: random erasing (Zhong et al. 2017, algorithm 1).

    Args:
        pixels: (3, height, width); changed in place.
        rng: Random generator.
    """
    _, height, width = pixels.shape
    area, aspect = rng.uniform(*_ERASED), math.exp(rng.uniform(math.log(1 / 3), math.log(3)))
    h = min(height, max(1, round(height * math.sqrt(area / aspect))))
    w = min(width, max(1, round(width * math.sqrt(area * aspect))))
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    pixels[:, top : top + h, left : left + w] = 0.0


def random_box(width: int, height: int, least: float, ratio: float, rng: np.random.Generator) -> Box:
    """Return a random crop box: Inception's crop (Szegedy et al. 2014), as in torchvision's RandomResizedCrop.

    Args:
        width: Width of the image.
        height: Height of the image.
        least: Minimum fraction of the area.
        ratio: Minimum aspect ratio, width over height; its inverse is the maximum.
        rng: Random generator.
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
