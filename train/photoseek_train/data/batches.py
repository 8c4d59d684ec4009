"""Which photos and captions meet in which step; every choice follows from (seed, epoch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photoseek_train.config import OptimConfig
from photoseek_train.data.dataset import CaptionedPhotos, Rows
from photoseek_train.errors import SettingsError


@dataclass(frozen=True)
class Batch:
    """One step of training.

    Attributes:
        photos: Rows of the photos that are embedded, (n,).
        captions: Rows of the captions that are embedded, (m,).
        photo_of_caption: For each caption the position of its photo in ``photos``, (m,).
    """

    photos: Rows
    captions: Rows
    photo_of_caption: Rows

    @property
    def image_ids(self) -> Rows:
        """The row of each caption's photo, (m,)."""
        return self.photos[self.photo_of_caption]

    def split(self, count: int) -> list[Batch]:
        """Parts for ``count`` processes: the photos in turn, each with its captions; all in the order of the whole."""
        ends = [len(self.photos) * (part + 1) // count for part in range(count)]
        return [self._part(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def _part(self, start: int, end: int) -> Batch:
        inside = (self.photo_of_caption >= start) & (self.photo_of_caption < end)
        return Batch(self.photos[start:end], self.captions[inside], self.photo_of_caption[inside] - start)


def steps_per_epoch(data: CaptionedPhotos, config: OptimConfig) -> int:
    """How many batches an epoch has; a last one that isn't full is left out, unless it is the only one."""
    return sum(_steps(len(rows), config) for rows in _collections(data, config))


def plan_epoch(data: CaptionedPhotos, config: OptimConfig, epoch: int) -> list[Batch]:
    """The batches of an epoch, in a new order each time."""
    rng = np.random.default_rng([config.seed, epoch])
    parts: list[Rows] = []
    for rows in _collections(data, config):
        order = rng.permutation(rows)
        size = config.batch_size
        parts += [order[step * size : (step + 1) * size] for step in range(_steps(len(rows), config))]
    if config.batch_by == "folder":
        parts = [parts[position] for position in rng.permutation(len(parts))]
    if config.tunes_image:
        return [_by_photo(data, part, config.captions_per_photo, rng) for part in parts]
    return [_by_caption(data, part) for part in parts]


def expect_parts(plan: Sequence[Batch], config: OptimConfig, processes: int) -> None:
    """See that every process has something of every batch.

    Raises:
        SettingsError: A batch is too small to be split.
    """
    least = 2 if config.tunes_image else 1  # batch norm has nothing to compare one photo with
    smallest = min(len(batch.photos) for batch in plan)
    if smallest < least * processes:
        raise SettingsError(
            f"batch_size: expected at least {least * processes} in every batch for {processes} processes, "
            f"found {smallest}; give a larger --batch-size, or launch fewer"
        )


def _collections(data: CaptionedPhotos, config: OptimConfig) -> list[Rows]:
    """The rows that may share a batch: of photos if the image tower learns, else of captions."""
    if config.batch_by == "all":
        return [np.arange(len(data.names) if config.tunes_image else len(data.captions))]
    folders, number = np.unique([name.rpartition("/")[0] for name in data.names], return_inverse=True)
    number = number if config.tunes_image else number[data.image_of_text]
    return [np.flatnonzero(number == folder) for folder in range(len(folders))]


def _steps(rows: int, config: OptimConfig) -> int:
    return max(1, rows // config.batch_size)


def _by_photo(data: CaptionedPhotos, photos: Rows, count: int, rng: np.random.Generator) -> Batch:
    """Each photo once, with ``count`` of its captions, or with all if it has fewer."""
    drawn = [rng.permutation(data.captions_of_image[photo])[:count] for photo in photos]
    owner = np.repeat(np.arange(len(photos)), [len(captions) for captions in drawn])
    return Batch(photos, np.concatenate(drawn), owner)


def _by_caption(data: CaptionedPhotos, captions: Rows) -> Batch:
    """Each caption once, with its photo."""
    return Batch(data.image_of_text[captions], captions, np.arange(len(captions)))
