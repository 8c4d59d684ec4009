"""The data set of the training tests: images of two colors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.training.fit import Fit
from photoseek_train.training.run_folder import Run
from photoseek_train.training.trainer import EpochCallback, EpochRecord

COLORS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 50, 220), "white": (245, 245, 245)}
SIZE = 32

MakeFit = Callable[..., Fit]
"""Configures a run on the data set: ``make_fit(out, tune="both", epochs=2)``."""


class World(NamedTuple):
    """Files of the data set: three training images and one dev image of each pair of colors."""

    images: Path
    captions: Path
    train: Path
    dev: Path

    def split(self, name: str) -> CaptionedPhotos:
        return CaptionedPhotos.read(self.images, self.captions, getattr(self, name))


def train_and_resume(fit: Fit) -> tuple[Run, Run]:
    """Train without interruption; then resume a copy of the folder as it was after the first epoch."""
    copy = fit.out.with_name(f"{fit.out.name}-resumed")
    uninterrupted = fit(on_epoch=copy_after_first(fit.out, copy))
    return uninterrupted, replace(fit, out=copy)(resume=True)


def copy_after_first(run: Path, copy: Path) -> EpochCallback:
    """Return a callback that copies the folder of a run after its first epoch."""

    def copy_run(record: EpochRecord) -> None:
        if record.epoch == 1:
            shutil.copytree(run, copy)

    return copy_run


def draw(path: Path, left: str, right: str, seed: int) -> None:
    """Write a noisy image whose halves have different colors."""
    pixels = np.empty((36, 48, 3))
    pixels[:, :24], pixels[:, 24:] = COLORS[left], COLORS[right]
    noise = np.random.default_rng(seed).normal(0, 8, pixels.shape)
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path)
