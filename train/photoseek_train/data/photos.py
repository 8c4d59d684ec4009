"""Photos on their way into the image tower: decoded once where memory allows, else again in every epoch."""

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
from photoseek_train.data.augment import Augmentation, wide_view
from photoseek_train.data.dataset import Rows
from photoseek_train.errors import DataError
from photoseek_train.progress import Progress, silent

Pixels = npt.NDArray[np.float32]
"""Pixel values of one photo, (3, height, width)."""

Stored = npt.NDArray[np.uint8] | Pixels

DEFAULT_MEMORY = 4 << 30
"""Bytes that decoded photos may take."""


class EvaluationPhotos(Dataset[Tensor]):
    """Photos as ``Preprocessing`` gives them."""

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self.paths = list(paths)
        self.preprocessing = preprocessing
        self.stored: list[Stored] | None = None

    @property
    def bytes_each(self) -> int:
        """Memory that a stored photo takes."""
        return 3 * self.preprocessing.height * self.preprocessing.width * 4

    def decode(self, row: int) -> Stored:
        """What is kept of a photo when there is memory for all."""
        return self.preprocessing(read_picture(self.paths[row]))

    def at_epoch(self, epoch: int) -> EvaluationPhotos:  # noqa: ARG002 - nothing changes from epoch to epoch
        """The photos as an epoch sees them."""
        return self

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Tensor:
        stored = self.decode(row) if self.stored is None else self.stored[row]
        return torch.from_numpy(stored)


class TrainingPhotos(EvaluationPhotos):
    """Photos as training sees them; every choice follows from (seed, epoch, row), so an epoch can be repeated."""

    def __init__(self, paths: Sequence[Path], augmentation: Augmentation, seed: int) -> None:
        super().__init__(paths, augmentation.preprocessing)
        self.augmentation = augmentation
        self.seed = seed
        self._of_epoch = augmentation
        self._epoch = 0

    @property
    def bytes_each(self) -> int:
        """Memory that a stored photo takes: a guess, for photos of 3 to 2."""
        side = self.preprocessing.shortest_edge or self.preprocessing.width * 8 / 7
        return round(3 * side * side * 1.5)

    def decode(self, row: int) -> Stored:
        """All of a photo at the size of training, uint8 (height, width, 3)."""
        return np.asarray(wide_view(read_picture(self.paths[row]), self.preprocessing))

    def at_epoch(self, epoch: int) -> TrainingPhotos:
        """The photos as an epoch sees them."""
        self._epoch = epoch
        self._of_epoch = self.augmentation.at_epoch(epoch)
        return self

    def __getitem__(self, row: int) -> Tensor:
        return torch.from_numpy(self._seen(self._of_epoch, self._epoch, row))

    def view(self, number: int, row: int) -> Pixels:
        """A photo as epoch ``number`` sees it, whichever epoch it is now. May be called from several threads."""
        return self._seen(self.augmentation.at_epoch(number), number, row)

    def _seen(self, augmentation: Augmentation, epoch: int, row: int) -> Pixels:
        whole = Image.fromarray(self.decode(row) if self.stored is None else self.stored[row])
        return augmentation(whole, np.random.default_rng([self.seed, epoch, row]))


def store_if_it_fits(photos: EvaluationPhotos, memory: int, task: str, progress: Progress = silent) -> None:
    """Decode every photo now, on all cores, unless that would take more than ``memory`` bytes."""
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
    """The photos of each batch, float32 (n, 3, height, width).

    Args:
        photos: Where they come from.
        batches: The rows of each batch.
        epoch: Decides the augmentation.
        workers: Processes that decode; none are used for photos that are in memory.
        pin: Copy each batch to memory that cannot be swapped out, for a GPU.
    """
    loader = DataLoader(
        photos.at_epoch(epoch),
        batch_sampler=[rows.tolist() for rows in batches],
        num_workers=0 if photos.stored is not None else workers,
        pin_memory=pin,
    )
    try:
        yield from loader
    except DataError as error:  # a worker's error arrives with its traceback as text; the last line is the message
        raise DataError(str(error).strip().splitlines()[-1].removeprefix(_PREFIX)) from error


def read_picture(path: Path) -> Image.Image:
    """Decode a photo.

    Raises:
        DataError: It cannot be decoded.
    """
    try:
        return open_photo(path)
    except PhotoError as error:
        raise DataError(f"{path}: {error}; repair the photo, or take it out of the split") from error


_PREFIX = f"{DataError.__module__}.{DataError.__qualname__}: "
