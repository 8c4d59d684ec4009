"""The world that the tests of training learn: pictures of two colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.training.fit import Fit

COLORS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 50, 220), "white": (245, 245, 245)}
SIZE = 32

MakeFit = Callable[..., Fit]
"""A run on the world: ``make_fit(out, tune="both", epochs=2)``."""


class World(NamedTuple):
    """Files of a data set: each pair of colours thrice to train on and once to measure on."""

    images: Path
    captions: Path
    train: Path
    dev: Path

    def split(self, name: str) -> CaptionedPhotos:
        return CaptionedPhotos.read(self.images, self.captions, getattr(self, name))


def draw(path: Path, left: str, right: str, seed: int) -> None:
    """A noisy picture, half of it in one colour and half in another."""
    pixels = np.empty((36, 48, 3))
    pixels[:, :24], pixels[:, 24:] = COLORS[left], COLORS[right]
    noise = np.random.default_rng(seed).normal(0, 8, pixels.shape)
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path)
