"""What a training run minimizes: its batches, and the loss of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from photoseek_train.config import OptimConfig
from photoseek_train.data.batches import Batch, sample_batches, sample_for_teacher
from photoseek_train.data.cutmix import CutMix, target_weights
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.training.losses import affinity_mimicking, feature_regression, info_nce, triplet

_REGRESSION = 8.0
"""Weight of feature regression: CLIP-KD uses 2,000 for the mean over 512 dimensions of the squared difference."""


@dataclass(frozen=True)
class StepVectors:
    """The vectors of one step, of all processes.

    Attributes:
        images: Unit vectors of the photos, (n, dim).
        texts: Unit vectors of the captions, (m, dim).
        shards: The batch, split by process, in order.
        cutmixes: The mixture of each shard's photos; None without CutMix.
        scale: Inverse temperature, a scalar.
        epoch: Epoch, counted from 1.
    """

    images: Tensor
    texts: Tensor
    shards: Sequence[Batch]
    cutmixes: Sequence[CutMix | None]
    scale: Tensor
    epoch: int


class Objective(Protocol):
    """The batches of each epoch, and their loss."""

    def batches(self, epoch: int) -> list[Batch]:
        """Return the batches of an epoch, shuffled by (seed, epoch); their number does not depend on the epoch."""

    def loss(self, step: StepVectors) -> Tensor:
        """Return the loss, a scalar."""


@dataclass(frozen=True)
class Contrastive:
    """Captions of a photo are its positives, and those of the other photos of the batch its negatives."""

    data: CaptionedPhotos
    config: OptimConfig

    def batches(self, epoch: int) -> list[Batch]:
        """Return photos with their captions."""
        return sample_batches(self.data, self.config, epoch)

    def loss(self, step: StepVectors) -> Tensor:
        """Return InfoNCE or the triplet loss."""
        device, shards = step.images.device, step.shards
        image_ids = np.concatenate([shard.image_ids for shard in shards])
        if self.config.loss == "triplet":
            first = np.cumsum([0, *(len(shard.photos) for shard in shards[:-1])])
            owner = np.concatenate([start + shard.photo_of_caption for start, shard in zip(first, shards, strict=True)])
            pairs = step.images[torch.from_numpy(owner).to(device)], step.texts
            hardest = step.epoch > self.config.hardest_after
            return triplet(*pairs, torch.from_numpy(image_ids).to(device), self.config.margin, hardest)
        right = [
            target_weights(shard.photos, image_ids, cutmix) for shard, cutmix in zip(shards, step.cutmixes, strict=True)
        ]
        return info_nce(step.images, step.texts, step.scale, torch.cat(right).to(device))


@dataclass(frozen=True)
class Distillation:
    """The vectors, and the similarities of photos and captions, approach those of a teacher.

    Attributes:
        data: Photos, with or without captions.
        config: The optimization.
        images: The teacher's unit vectors of the photos, (photos, dim).
        texts: The teacher's unit vectors of the captions, (captions, dim).
        scale: The teacher's inverse temperature.
    """

    data: CaptionedPhotos
    config: OptimConfig
    images: Tensor
    texts: Tensor
    scale: float

    def batches(self, epoch: int) -> list[Batch]:
        """Return photos, each with one of its captions; for a photo without captions, one of another photo."""
        return sample_for_teacher(self.data, self.config, epoch)

    def loss(self, step: StepVectors) -> Tensor:
        """Return the sum of feature regression, for both towers, and affinity mimicking."""
        photos = torch.from_numpy(np.concatenate([shard.photos for shard in step.shards]))
        captions = torch.from_numpy(np.concatenate([shard.captions for shard in step.shards]))
        teacher = self.images[photos].to(step.images.device), self.texts[captions].to(step.images.device)
        regression = feature_regression(step.images, teacher[0]) + feature_regression(step.texts, teacher[1])
        return _REGRESSION * regression + affinity_mimicking((step.images, step.texts), teacher, self.scale)
