"""Photos for the image tower: decoded once if memory allows, else in every epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from photoseek.errors import PhotoError
from photoseek.photos.decode import open_photo
from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.data.augment import Augmentation, resize_for_training
from photoseek_train.data.dataset import Rows
from photoseek_train.errors import DataError
from photoseek_train.progress import ProgressCallback, no_progress

Pixels = npt.NDArray[np.float32]
"""Pixel values of one photo, (3, height, width)."""

Stored = npt.NDArray[np.uint8] | Pixels


class EvaluationPhotos(Dataset[Tensor]):
    """Photos transformed by ``Preprocessing``."""

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self.paths = list(paths)
        self.preprocessing = preprocessing
        self.stored: list[Stored] | None = None

    @property
    def bytes_each(self) -> int:
        """Memory per stored photo, in bytes."""
        return 3 * self.preprocessing.height * self.preprocessing.width * 4

    def decode(self, row: int) -> Stored:
        """Return the stored form of a photo."""
        return self.preprocessing(load_photo(self.paths[row]))

    def for_epoch(self, epoch: int) -> EvaluationPhotos:  # noqa: ARG002 - evaluation is the same in every epoch
        """Return the photos of an epoch."""
        return self

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Tensor:
        stored = self.decode(row) if self.stored is None else self.stored[row]
        return torch.from_numpy(stored)


class TrainingPhotos(EvaluationPhotos):
    """Augmented photos; every choice is derived from (seed, epoch, row), so an epoch is reproducible."""

    def __init__(self, paths: Sequence[Path], augmentation: Augmentation, seed: int) -> None:
        super().__init__(paths, augmentation.preprocessing)
        self.augmentation = augmentation
        self.seed = seed
        self._of_epoch = augmentation
        self._epoch = 0

    @property
    def bytes_each(self) -> int:
        """Memory per stored photo, in bytes: an estimate for an aspect ratio of 3:2."""
        side = self.preprocessing.shortest_edge or self.preprocessing.width * 8 / 7
        return round(3 * side * side * 1.5)

    def decode(self, row: int) -> Stored:
        """Return the full photo at training size, uint8 (height, width, 3)."""
        return np.asarray(resize_for_training(load_photo(self.paths[row]), self.preprocessing))

    def for_epoch(self, epoch: int) -> TrainingPhotos:
        """Return the photos of an epoch."""
        self._epoch = epoch
        self._of_epoch = self.augmentation.for_epoch(epoch)
        return self

    def __getitem__(self, row: int) -> Tensor:
        return torch.from_numpy(self._augment(self._of_epoch, self._epoch, row))

    def view(self, number: int, row: int) -> Pixels:
        """Return a photo as augmented in epoch ``number``, regardless of the current epoch. Thread-safe."""
        return self._augment(self.augmentation.for_epoch(number), number, row)

    def _augment(self, augmentation: Augmentation, epoch: int, row: int) -> Pixels:
        image = Image.fromarray(self.decode(row) if self.stored is None else self.stored[row])
        return augmentation(image, np.random.default_rng([self.seed, epoch, row]))


def preload_photos(photos: EvaluationPhotos, memory: int, task: str, progress: ProgressCallback = no_progress) -> None:
    """Decode every photo now, on all cores, unless that takes more than ``memory`` bytes."""
    if photos.bytes_each * len(photos) > memory:
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        stored = []
        for photo in pool.map(photos.decode, range(len(photos))):
            stored.append(photo)
            progress(task, len(stored), len(photos))
    photos.stored = stored


def stream_photos(
    photos: EvaluationPhotos, batches: Sequence[Rows], epoch: int, workers: int, pin: bool = False
) -> Iterator[Tensor]:
    """Yield the photos of each batch, float32 (n, 3, height, width).

    Args:
        photos: The photos.
        batches: Rows of each batch.
        epoch: Epoch of the augmentation.
        workers: Processes that decode; none are started for preloaded photos.
        pin: Copy each batch to page-locked memory, for a GPU.
    """
    loader = DataLoader(
        photos.for_epoch(epoch),
        batch_sampler=[rows.tolist() for rows in batches],
        num_workers=0 if photos.stored is not None else workers,
        pin_memory=pin,
    )
    try:
        yield from loader
    except DataError as error:  # the error of a worker contains its traceback; the last line is the message
        raise DataError(str(error).strip().splitlines()[-1].removeprefix(_PREFIX)) from error


def load_photo(path: Path) -> Image.Image:
    """Decode a photo.

    Raises:
        DataError: The photo cannot be decoded.
    """
    try:
        return open_photo(path, partial=False)
    except PhotoError as error:
        raise DataError(f"{path}: {error}; replace the photo, or remove it from the split") from error


_PREFIX = f"{DataError.__module__}.{DataError.__qualname__}: "
