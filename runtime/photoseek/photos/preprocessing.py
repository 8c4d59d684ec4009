"""Pictures -> pixel_values, as ``preprocessor_config.json`` specifies.

Mirrors torchvision's ``Resize`` + ``CenterCrop`` + ``ToTensor`` + ``Normalize`` on PIL pictures, with the keys of
transformers' ``CLIPImageProcessor``. Resize and crop are one step: only the pixels inside the crop are computed, so
that a 1 x 65,000 picture costs no more than any other. A pixel may differ by 1/255 from the result of two steps, since
its position is rounded once instead of twice. ``exact_resize`` takes two steps, for models of other programs.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from photoseek.photos.rgb import to_rgb

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

RGB = tuple[float, float, float]

MAX_SIDE = 8_192
"""The maximum side of a result in pixels: far more than any image tower uses."""

_MAX_NUMBER = 1e15
"""Far more than any mean or standard deviation; a product of two still fits into float32."""

_EXACT_SCALE = 2.5
"""With ``exact_resize``, JPEGs are decoded at 2.5 times the size of the result or more. docs/other-models.md compares
the vectors with those of exact pixels."""

_MAX_ASPECT_RATIO = 16
"""Up to this aspect ratio, resizing the entire picture costs little more than resizing the crop."""

_MAX_REDUCTION = 1_000
"""Pixels of a picture for one of the result above which blocks are averaged first: Pillow's filters allocate a weight
for each, which takes gigabytes for a picture of 150 million x 1 pixels."""

EXTRA_KEYS = ("floor_crop_offset", "exact_resize")
"""Settings for which transformers has no key."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the input of the image tower.

    Attributes:
        height: Rows of the result.
        width: Columns of the result.
        shortest_edge: The shorter side of the picture after resizing; the center is then cropped. None: the whole
            picture is resized to ``height`` x ``width``, whatever its aspect ratio.
        resample: Pillow's code of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
        rescale_factor: Multiplies the 8-bit values.
        mean: Subtracted from each channel, R G B.
        std: Divides each channel, R G B.
        floor_crop_offset: Whether half a pixel in the offset of the crop is rounded down, as in transformers and
            immich, or to even, as in torchvision.
        exact_resize: Whether photos are resized in full before they are cropped, as in the model's own code, except
            those with an aspect ratio above 16. Large JPEGs are decoded at a fraction of their size, see ``min_edge``.
    """

    height: int = 224
    width: int = 224
    shortest_edge: int | None = 256
    resample: int = 2
    rescale_factor: float = 1 / 255
    mean: RGB = IMAGENET_MEAN
    std: RGB = IMAGENET_STD
    floor_crop_offset: bool = False
    exact_resize: bool = False

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1:
            raise ValueError(f"expected a result of at least 1 x 1, found {self.height} x {self.width}")
        if max(self.height, self.width, self.shortest_edge or 0) > MAX_SIDE:
            raise ValueError(f"expected a result of at most {MAX_SIDE} a side, found {self.height} x {self.width}")
        numbers = np.abs([*self.mean, *self.std, self.rescale_factor])
        if not (numbers <= _MAX_NUMBER).all() or min(np.abs(self.std)) < 1 / _MAX_NUMBER:
            raise ValueError(f"expected finite numbers, and a std other than 0, found {self.mean} and {self.std}")
        if self.resample not in range(6):
            raise ValueError(f"expected a filter from 0 to 5, found {self.resample}")
        if self.shortest_edge is not None and self.shortest_edge < max(self.height, self.width):
            raise ValueError(
                f"shortest_edge {self.shortest_edge} is less than the crop of {self.height} x {self.width}"
            )

    def __call__(self, image: Image.Image) -> npt.NDArray[np.float32]:
        """Return the pixel values of one picture, float32 (3, height, width)."""
        scale = np.float32(self.rescale_factor) / np.asarray(self.std, dtype=np.float32)
        shift = np.asarray(self.mean, dtype=np.float32) / np.asarray(self.std, dtype=np.float32)
        values = np.empty((3, self.height, self.width), dtype=np.float32)
        for channel, band in enumerate(
            self.resize_and_crop(image).split()
        ):  # numpy is slow if R G B is the innermost dimension
            np.multiply(np.asarray(band), scale[channel], out=values[channel])
            values[channel] -= shift[channel]
        return values

    def resize_and_crop(self, image: Image.Image) -> Image.Image:
        """Return the visible part of a picture, 8-bit RGB of ``width`` x ``height``."""
        image = to_rgb(image)
        if (
            self.exact_resize
            and self.shortest_edge is not None
            and max(image.size) <= _MAX_ASPECT_RATIO * min(image.size)
        ):
            return self._resize_then_crop(image)
        left, top, right, bottom = self._box(*image.size)
        across = max(1, int((right - left) // (_MAX_REDUCTION * self.width)))
        down = max(1, int((bottom - top) // (_MAX_REDUCTION * self.height)))
        if across > 1 or down > 1:
            image = image.reduce((across, down))
            left, right = left / across, min(right / across, image.width)
            top, bottom = top / down, min(bottom / down, image.height)
        size, resample = (self.width, self.height), Image.Resampling(self.resample)
        return image.resize(size, resample, box=(left, top, right, bottom))

    def _resize_then_crop(self, image: Image.Image) -> Image.Image:
        """Return the result of two steps, equal to that of the model's own code to the last bit."""
        width, height = self._scaled(*image.size)
        left, top = self._crop_offset(width, self.width), self._crop_offset(height, self.height)
        resized = image.resize((width, height), Image.Resampling(self.resample))
        return resized.crop((left, top, left + self.width, top + self.height))

    def _box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return the rectangle of a width x height picture that becomes the result: left, top, right, bottom."""
        if self.shortest_edge is None:
            return 0.0, 0.0, float(width), float(height)
        scaled_w, scaled_h = self._scaled(width, height)
        left, right = self._center(scaled_w, self.width, width)
        top, bottom = self._center(scaled_h, self.height, height)
        return left, top, right, bottom

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height after resizing the shorter side to ``shortest_edge``."""
        # torchvision.transforms.v2.functional.resize: the longer side is truncated, not rounded
        edge = self.shortest_edge or 0
        return (
            edge if width <= height else int(edge * width / height),
            edge if height <= width else int(edge * height / width),
        )

    @property
    def min_edge(self) -> int:
        """The shorter side, in pixels, that a decoded picture needs; below it, detail would be missing."""
        return math.ceil(
            (self.shortest_edge or max(self.height, self.width)) * (_EXACT_SCALE if self.exact_resize else 1)
        )

    def _center(self, scaled: int, size: int, original: int) -> tuple[float, float]:
        """Return start and end of the center ``size`` of ``scaled`` pixels, in pixels of the original."""
        start = self._crop_offset(scaled, size)
        return max(0.0, start * original / scaled), min(float(original), (start + size) * original / scaled)

    def _crop_offset(self, scaled: int, size: int) -> int:
        # torchvision's CenterCrop rounds half to even, as Python's round does
        return (scaled - size) // 2 if self.floor_crop_offset else round((scaled - size) / 2.0)

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that change when the pixel values may."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``preprocessor_config.json``."""
        size = {"height": self.height, "width": self.width}
        extra = {key: True for key in EXTRA_KEYS if getattr(self, key)}
        return {
            "image_processor_type": "CLIPImageProcessor",
            "do_convert_rgb": True,
            "do_resize": True,
            "size": size if self.shortest_edge is None else {"shortest_edge": self.shortest_edge},
            "resample": self.resample,
            "do_center_crop": self.shortest_edge is not None,
            "crop_size": size,
            "do_rescale": True,
            "rescale_factor": self.rescale_factor,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            **({"photoseek": extra} if extra else {}),  # other programs have no keys for these
        }
