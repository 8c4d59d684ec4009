"""CutMix: paste patches of other photos into the photos of a batch; the captions of both count, weighted by area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from photoseek_train.data.dataset import Rows

Boxes = npt.NDArray[np.int64]
"""Top, left, bottom and right of each photo's patch, in pixels, (n, 4)."""


@dataclass(frozen=True)
class CutMix:
    """The patches that the photos of a batch receive.

    Attributes:
        partner: Position of the photo that the patch comes from, (n,).
        boxes: Position of the patch, in both photos; empty if a photo receives none.
        mix_weight: Fraction of the area that the patch covers, (n,) float32 within [0, 1].
    """

    partner: Rows
    boxes: Boxes
    mix_weight: npt.NDArray[np.float32]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return a copy with the patches pasted, (n, 3, height, width) -> the same shape."""
        mixed = pixels.clone()
        for row in np.flatnonzero(self.mix_weight):
            top, left, bottom, right = self.boxes[row]
            mixed[row, :, top:bottom, left:right] = pixels[self.partner[row], :, top:bottom, left:right]
        return mixed


def sample_cutmix(count: int, size: Sequence[int], likely: float, rng: np.random.Generator) -> CutMix:
    """Sample the patches (CutMix, Yun et al. 2019, arXiv:1905.04899, section 3.1), independently for each photo.

    The area is uniform on [0, 1], and the patch has the photo's aspect ratio. Unlike in the paper, it is always inside
    the photo.

    Args:
        count: Photos in the batch; each receives a patch of the photo before it.
        size: Height and width of the photos, in pixels.
        likely: Probability that a photo receives a patch.
        rng: Random generator.
    """
    full = np.array(size)
    scale = np.sqrt(rng.uniform(size=count)) * (rng.uniform(size=count) < likely)
    sides = (scale[:, None] * full).astype(np.int64)
    corners = (rng.uniform(size=(count, 2)) * (full - sides + 1)).astype(np.int64)
    weight = (sides / full).prod(axis=1).astype(np.float32)
    return CutMix((np.arange(count) - 1) % count, np.concatenate([corners, corners + sides], axis=1), weight)


def target_weights(photos: Rows, image_ids: Rows, cutmix: CutMix | None = None) -> Tensor:
    """Return how much each caption matches each photo, float32 (photos, captions); 0 for captions of other photos.

    Args:
        photos: Id of the photo in each row, (n,).
        image_ids: Id of each caption's photo, (m,).
        cutmix: Patches pasted into the photos.
    """
    matches = (photos[:, None] == image_ids[None, :]).astype(np.float32)
    if cutmix is None:
        return torch.from_numpy(matches)
    weight = cutmix.mix_weight[:, None]
    return torch.from_numpy((1 - weight) * matches + weight * matches[cutmix.partner])
