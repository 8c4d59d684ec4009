"""Sampling of batches; every choice is derived from (seed, epoch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photoseek_train.config import OptimConfig
from photoseek_train.data.dataset import CaptionedPhotos, Rows
from photoseek_train.errors import SettingsError


@dataclass(frozen=True)
class Batch:
    """The photos and captions of one training step.

    Attributes:
        photos: Rows of the photos to embed, (n,).
        captions: Rows of the captions to embed, (m,).
        photo_of_caption: For each caption, the position of its photo in ``photos``, (m,).
    """

    photos: Rows
    captions: Rows
    photo_of_caption: Rows

    @property
    def image_ids(self) -> Rows:
        """The row of each caption's photo, (m,)."""
        return self.photos[self.photo_of_caption]

    def split(self, count: int) -> list[Batch]:
        """Split the batch for ``count`` processes: consecutive photos, each with its captions."""
        ends = [len(self.photos) * (part + 1) // count for part in range(count)]
        return [self._slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def _slice(self, start: int, end: int) -> Batch:
        inside = (self.photo_of_caption >= start) & (self.photo_of_caption < end)
        return Batch(self.photos[start:end], self.captions[inside], self.photo_of_caption[inside] - start)


def sample_batches(data: CaptionedPhotos, config: OptimConfig, epoch: int) -> list[Batch]:
    """Return the batches of an epoch, shuffled by (seed, epoch).

    An incomplete last batch is dropped unless it is the only one.
    """
    rng = np.random.default_rng([config.seed, epoch])
    batches: list[Rows] = []
    for rows in _batch_groups(data, config):
        order = rng.permutation(rows)
        size = config.batch_size
        batches += [order[step * size : (step + 1) * size] for step in range(_steps(len(rows), config))]
    if config.batch_by == "folder":
        batches = [batches[position] for position in rng.permutation(len(batches))]
    if config.tunes_image:
        return [_by_photo(data, rows, config.captions_per_photo, rng) for rows in batches]
    return [_by_caption(data, rows) for rows in batches]


def sample_for_teacher(data: CaptionedPhotos, config: OptimConfig, epoch: int) -> list[Batch]:
    """Return batches of photos, shuffled by (seed, epoch), each photo with one caption.

    A photo without captions brings one of another photo, so that all batches have as many captions as photos.
    """
    rng = np.random.default_rng([config.seed, epoch])
    order, size = rng.permutation(len(data.names)), config.batch_size
    captions = rng.integers(len(data.captions), size=len(order))
    for photo, own in enumerate(data.captions_of_image):
        if len(own):
            captions[photo] = rng.choice(own)
    batches = [order[step * size : (step + 1) * size] for step in range(_steps(len(order), config))]
    return [Batch(photos, captions[photos], np.arange(len(photos))) for photos in batches]


def check_batch_size(plan: Sequence[Batch], config: OptimConfig, processes: int) -> None:
    """Check that every batch can be split among the processes.

    Raises:
        SettingsError: A batch is too small.
    """
    least = 2 if config.tunes_image else 1  # batch norm needs two photos
    smallest = min(len(batch.photos) for batch in plan)
    if smallest < least * processes:
        raise SettingsError(
            f"batch_size: expected at least {least * processes} in every batch for {processes} processes, "
            f"found {smallest}; increase --batch-size, or launch fewer processes"
        )


def _batch_groups(data: CaptionedPhotos, config: OptimConfig) -> list[Rows]:
    """Return the rows that may share a batch: photos if the image tower is trained, else captions."""
    if config.batch_by == "all":
        return [np.arange(len(data.names) if config.tunes_image else len(data.captions))]
    folders, number = np.unique([name.rpartition("/")[0] for name in data.names], return_inverse=True)
    number = number if config.tunes_image else number[data.image_of_text]
    return [np.flatnonzero(number == folder) for folder in range(len(folders))]


def _steps(rows: int, config: OptimConfig) -> int:
    return max(1, rows // config.batch_size)


def _by_photo(data: CaptionedPhotos, photos: Rows, count: int, rng: np.random.Generator) -> Batch:
    """Return a batch of photos, each with ``count`` of its captions, or all if it has fewer."""
    drawn = [rng.permutation(data.captions_of_image[photo])[:count] for photo in photos]
    owner = np.repeat(np.arange(len(photos)), [len(captions) for captions in drawn])
    return Batch(photos, np.concatenate(drawn), owner)


def _by_caption(data: CaptionedPhotos, captions: Rows) -> Batch:
    """Return a batch of captions, each with its photo."""
    return Batch(data.image_of_text[captions], captions, np.arange(len(captions)))
