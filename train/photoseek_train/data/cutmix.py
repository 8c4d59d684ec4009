"""Parts of other photos pasted into the photos of a batch; the captions of both then count, by area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from photoseek_train.data.dataset import Rows

Boxes = npt.NDArray[np.int64]
"""Top, left, bottom and right of each photo's pasted part, in pixels, (n, 4)."""


@dataclass(frozen=True)
class Mixing:
    """Which part of which other photo each photo of a batch receives.

    Attributes:
        partner: Position of the photo that the part comes from, (n,).
        boxes: Where the part lies, in both photos; empty where a photo stays whole.
        share: How much of the area it takes, (n,) float32 within [0, 1].
    """

    partner: Rows
    boxes: Boxes
    share: npt.NDArray[np.float32]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Paste the parts, (n, 3, height, width) -> the same shape; the input is left as it was."""
        mixed = pixels.clone()
        for row in np.flatnonzero(self.share):
            top, left, bottom, right = self.boxes[row]
            mixed[row, :, top:bottom, left:right] = pixels[self.partner[row], :, top:bottom, left:right]
        return mixed


def draw_mixing(count: int, size: Sequence[int], likely: float, rng: np.random.Generator) -> Mixing:
    """CutMix (Yun et al. 2019, arXiv:1905.04899, section 3.1), drawn for each photo by itself.

    The area is drawn evenly from [0, 1]; the part has the photo's shape. Unlike there it always lies within the photo.

    Args:
        count: Photos in the batch; each receives from the one before it.
        size: Height and width of the photos, in pixels.
        likely: Probability that a photo receives a part.
        rng: Where the choices come from.
    """
    whole = np.array(size)
    scale = np.sqrt(rng.uniform(size=count)) * (rng.uniform(size=count) < likely)
    sides = (scale[:, None] * whole).astype(np.int64)
    corners = (rng.uniform(size=(count, 2)) * (whole - sides + 1)).astype(np.int64)
    share = (sides / whole).prod(axis=1).astype(np.float32)
    return Mixing((np.arange(count) - 1) % count, np.concatenate([corners, corners + sides], axis=1), share)


def right_captions(photos: Rows, image_ids: Rows, mixing: Mixing | None = None) -> Tensor:
    """How much of each photo each caption tells, float32 (photos, captions): 0 where it belongs to another.

    Args:
        photos: Which photo each row shows, (n,).
        image_ids: Which photo each caption tells, (m,).
        mixing: What was pasted into the photos.
    """
    own = (photos[:, None] == image_ids[None, :]).astype(np.float32)
    if mixing is None:
        return torch.from_numpy(own)
    share = mixing.share[:, None]
    return torch.from_numpy((1 - share) * own + share * own[mixing.partner])
