"""Picture -> pixel_values, exactly as ``preprocessor_config.json`` says.

Mirrors torchvision's ``Resize`` + ``CenterCrop`` + ``ToTensor`` + ``Normalize`` on PIL pictures, and so the keys of
transformers' ``CLIPImageProcessor``; of a model that others made, the middle is where their own code has it. Resize and
crop are one step: only the pixels that survive the crop are computed, so that a 1 x 65,000 picture costs no more than
any other. A pixel may differ by 1/255 from the two-step result, since its position is rounded once and not twice; where
a model of others is followed ``faithful``ly, there are two steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from photoseek.errors import BundleIncompatible
from photoseek.photos.rgb import to_rgb

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

RGB = tuple[float, float, float]
Box = tuple[float, float, float, float]

MAX_SIDE = 8_192
"""Pixels of a result's side: far more than any image tower sees."""

_LARGEST = 1e15
"""Far more than any mean or standard deviation, and products of two of them are still float32."""

_AMPLE = 16
_USUAL = 16
"""A picture's longer side for one of the shorter up to which resizing all of it costs little more than what is cut."""

_FINEST = 1_000
"""Pixels of a picture for one of the result beyond which several are averaged first: Pillow's filters keep a weight for
each, which takes gigabytes where a picture of 150 million x 1 pixels is squeezed."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the input of the image tower.

    Attributes:
        height: Rows of the result.
        width: Columns of the result.
        shortest_edge: The picture is scaled until its shorter side has this length, then the middle is cut out.
            None: it is squeezed to ``height`` x ``width`` as a whole.
        resample: Pillow's code of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
        rescale_factor: Multiplies the 8-bit values.
        mean: Subtracted from each channel, R G B.
        std: Divides each channel, R G B.
        floor_middle: Whether the middle of what cannot be halved lies a pixel to the left and top, as transformers and
            immich have it, or at the even one, as torchvision has it.
        faithful: Whether photos are decoded in full and resized before they are cut, as the model's own code does it,
            but for those so large that it shows no more (see ``edge``), or longer than 16 to 1.
    """

    height: int = 224
    width: int = 224
    shortest_edge: int | None = 256
    resample: int = 2
    rescale_factor: float = 1 / 255
    mean: RGB = IMAGENET_MEAN
    std: RGB = IMAGENET_STD
    floor_middle: bool = False
    faithful: bool = False

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1:
            raise ValueError(f"expected a result of at least 1 x 1, found {self.height} x {self.width}")
        if max(self.height, self.width, self.shortest_edge or 0) > MAX_SIDE:
            raise ValueError(f"expected a result of at most {MAX_SIDE} a side, found {self.height} x {self.width}")
        numbers = np.abs([*self.mean, *self.std, self.rescale_factor])
        if not (numbers <= _LARGEST).all() or min(np.abs(self.std)) < 1 / _LARGEST:
            raise ValueError(f"expected finite numbers, and a std other than 0, found {self.mean} and {self.std}")
        if self.resample not in range(6):
            raise ValueError(f"expected a filter from 0 to 5, found {self.resample}")
        if self.shortest_edge is not None and self.shortest_edge < max(self.height, self.width):
            raise ValueError(
                f"shortest_edge {self.shortest_edge} is less than the {self.height} x {self.width} cut out of it"
            )

    def __call__(self, image: Image.Image) -> npt.NDArray[np.float32]:
        """Pixel values of one picture, float32 (3, height, width)."""
        scale = np.float32(self.rescale_factor) / np.asarray(self.std, dtype=np.float32)
        shift = np.asarray(self.mean, dtype=np.float32) / np.asarray(self.std, dtype=np.float32)
        values = np.empty((3, self.height, self.width), dtype=np.float32)
        for channel, band in enumerate(self.fit(image).split()):  # numpy is slow over the innermost three of R G B
            np.multiply(np.asarray(band), scale[channel], out=values[channel])
            values[channel] -= shift[channel]
        return values

    def fit(self, image: Image.Image) -> Image.Image:
        """The part of the picture that is seen, 8-bit RGB of ``width`` x ``height``."""
        if self.faithful and self.shortest_edge is not None and max(image.size) <= _USUAL * min(image.size):
            return self._fit_in_two_steps(to_rgb(image))
        box = self._box(*image.size)
        seen = to_rgb(image)
        across, down = (max(1, int(side // (_FINEST * kept))) for side, kept in self._sides(box))
        if across > 1 or down > 1:
            seen, box = _averaged(seen, box, across, down)
        return seen.resize((self.width, self.height), Image.Resampling(self.resample), box=box)

    def _fit_in_two_steps(self, image: Image.Image) -> Image.Image:
        """Resize all, then cut: to the last bit what the model's own code sees."""
        width, height = self._scaled(*image.size)
        left, top = self._start(width, self.width), self._start(height, self.height)
        resized = image.resize((width, height), Image.Resampling(self.resample))
        return resized.crop((left, top, left + self.width, top + self.height))

    def _sides(self, box: Box) -> tuple[tuple[float, int], tuple[float, int]]:
        """Pixels of the picture and of the result, across and down."""
        left, top, right, bottom = box
        return (right - left, self.width), (bottom - top, self.height)

    def _box(self, width: int, height: int) -> Box:
        """The rectangle of a width x height picture that ends up in the result: left, top, right, bottom."""
        if self.shortest_edge is None:
            return 0.0, 0.0, float(width), float(height)
        scaled_w, scaled_h = self._scaled(width, height)
        left, right = self._middle(scaled_w, self.width, width)
        top, bottom = self._middle(scaled_h, self.height, height)
        return left, top, right, bottom

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        """Width and height once the shorter side has its length."""
        # torchvision.transforms.v2.functional.resize: the longer side is truncated, not rounded
        edge = self.shortest_edge or 0
        return (
            edge if width <= height else int(edge * width / height),
            edge if height <= width else int(edge * height / width),
        )

    @property
    def edge(self) -> int:
        """The shorter side, in pixels, that a picture needs: below it, detail that the tower sees would be missing.

        A decoder that scales averages otherwise than the filter does; what is ``_AMPLE`` times as large as what is
        seen hides that.
        """
        return (self.shortest_edge or max(self.height, self.width)) * (_AMPLE if self.faithful else 1)

    def _middle(self, scaled: int, kept: int, original: int) -> tuple[float, float]:
        """The middle ``kept`` of ``scaled`` pixels, in pixels of the original."""
        start = self._start(scaled, kept)
        return max(0.0, start * original / scaled), min(float(original), (start + kept) * original / scaled)

    def _start(self, scaled: int, kept: int) -> int:
        """The first of the middle ``kept`` of ``scaled`` pixels."""
        # torchvision's CenterCrop rounds half to even, as Python's round does
        return (scaled - kept) // 2 if self.floor_middle else round((scaled - kept) / 2.0)

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that change when the pixel values may."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """The content of ``preprocessor_config.json``."""
        cut = {"height": self.height, "width": self.width}
        own = {key: True for key in ("floor_middle", "faithful") if getattr(self, key)}
        return {
            "image_processor_type": "CLIPImageProcessor",
            "do_convert_rgb": True,
            "do_resize": True,
            "size": cut if self.shortest_edge is None else {"shortest_edge": self.shortest_edge},
            "resample": self.resample,
            "do_center_crop": self.shortest_edge is not None,
            "crop_size": cut,
            "do_rescale": True,
            "rescale_factor": self.rescale_factor,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            **({"photoseek": own} if own else {}),  # what no other program has a key for
        }

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> Preprocessing:
        """Read ``preprocessor_config.json``.

        Raises:
            BundleIncompatible: It asks for something that is not done here, or lacks a key.
        """
        for key in ("do_resize", "do_rescale", "do_normalize"):
            if not config.get(key, True):
                raise BundleIncompatible(f"preprocessor_config.json: expected {key} true, found {config[key]!r}")
        try:
            return cls._from_json(config)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise BundleIncompatible(f"preprocessor_config.json cannot be followed: {what}") from error

    @classmethod
    def _from_json(cls, config: Mapping[str, Any]) -> Preprocessing:
        size = config["size"]
        size = {"shortest_edge": size} if isinstance(size, int) else size
        cropped = bool(config.get("do_center_crop", "shortest_edge" in size))
        result = config["crop_size"] if cropped else size
        result = {"height": result, "width": result} if isinstance(result, int) else result
        return cls(
            height=int(result["height"]),
            width=int(result["width"]),
            shortest_edge=int(size["shortest_edge"]) if cropped else None,
            resample=int(config.get("resample", 2)),
            rescale_factor=float(config.get("rescale_factor", 1 / 255)),
            mean=_triple(config["image_mean"]),
            std=_triple(config["image_std"]),
            **{key: bool(config.get("photoseek", {}).get(key)) for key in ("floor_middle", "faithful")},
        )


def _averaged(image: Image.Image, box: Box, across: int, down: int) -> tuple[Image.Image, Box]:
    """The picture with blocks of pixels averaged to one, and where the box lies in it."""
    left, top, right, bottom = box
    small = image.reduce((across, down))
    return small, (left / across, top / down, min(right / across, small.width), min(bottom / down, small.height))


def _triple(values: Any) -> RGB:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
