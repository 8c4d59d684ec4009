"""What a batch is made of: features that a frozen tower made once, or photos and tokens for a tower that learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from photoseek_train.dataset import Rows
from photoseek_train.model import TwoTower
from photoseek_train.photos import EvaluationPhotos, stream_photos
from photoseek_train.tokens import TokenBatch, Tokens

_AT_ONCE = 64  # captions in a pass on a CPU: sorted by length, they bring little padding along


class Inputs(Protocol):
    """Photos or captions of one split, in some form that the model can embed."""

    def __len__(self) -> int:
        """How many there are."""

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Any]:
        """The inputs at the rows of each batch, in order."""

    def embed(self, model: TwoTower, batch: Any) -> Tensor:
        """Vectors of a streamed batch, (n, dim), not of unit length."""


@dataclass(frozen=True)
class CachedFeatures:
    """What a frozen tower made of photos or captions.

    Attributes:
        features: float32 (n, width of the tower).
        project: ``TwoTower.project_image`` or ``TwoTower.project_text``.
    """

    features: Tensor
    project: Callable[[TwoTower, Tensor], Tensor]

    def __len__(self) -> int:
        return len(self.features)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:  # noqa: ARG002
        """The features of each batch."""
        return (self.features[torch.from_numpy(rows)] for rows in batches)

    def embed(self, model: TwoTower, batch: Tensor) -> Tensor:
        """Pass features through the projector."""
        return self.project(model, batch)


@dataclass(frozen=True)
class LivePhotos:
    """Photos for the image tower."""

    photos: EvaluationPhotos
    workers: int = 0

    def __len__(self) -> int:
        return len(self.photos)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:
        """The pixel values of each batch."""
        return stream_photos(self.photos, batches, epoch, self.workers)

    def embed(self, model: TwoTower, batch: Tensor) -> Tensor:
        """Pass photos through tower and projector."""
        return model.embed_image(batch)


@dataclass(frozen=True)
class LiveTexts:
    """Captions for the text tower."""

    tokens: Tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[TokenBatch]:  # noqa: ARG002
        """The tokens of each batch."""
        return (self.tokens.batch(rows) for rows in batches)

    def embed(self, model: TwoTower, batch: TokenBatch) -> Tensor:
        """Pass tokens through tower and projector; on a CPU, where padding costs time, by length."""
        ids, mask = batch
        if ids.device.type != "cpu" or len(ids) <= _AT_ONCE:
            return model.embed_text(ids, mask)
        lengths = mask.sum(dim=1)
        order = lengths.argsort(stable=True)
        parts = [
            model.embed_text(ids[rows, : int(lengths[rows[-1]])], mask[rows, : int(lengths[rows[-1]])])
            for rows in order.split(_AT_ONCE)
        ]
        return torch.cat(parts)[order.argsort()]
