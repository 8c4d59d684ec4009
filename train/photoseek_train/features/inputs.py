"""What a batch is made of: features that a frozen tower made once, or photos and tokens for a tower that learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from photoseek_train.data.dataset import Rows
from photoseek_train.data.photos import EvaluationPhotos, stream_photos
from photoseek_train.data.tokens import TokenBatch, Tokens
from photoseek_train.model.two_tower import TwoTower

_AT_ONCE = 64  # captions in a pass on a CPU: sorted by length, they bring little padding along


class InputPipeline(Protocol):
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
        return self.project(model, batch.to(model.device))


@dataclass(frozen=True)
class CachedViews(CachedFeatures):
    """Features of several random views of each photo, float32 (views, n, width); a step takes one of each photo.

    ``seed``, the epoch and the step decide which.
    """

    seed: int

    def __len__(self) -> int:
        return self.features.shape[1]

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:
        """A view of each photo of each batch."""
        for step, rows in enumerate(batches):
            rng = np.random.default_rng([self.seed, epoch, step, *_VIEWS])
            views = rng.integers(len(self.features), size=len(rows))
            yield self.features[torch.from_numpy(views), torch.from_numpy(rows)]


@dataclass(frozen=True)
class DecodedPhotos:
    """Photos for the image tower; ``pin``: batches wait in memory that a GPU fetches from by itself."""

    photos: EvaluationPhotos
    workers: int = 0
    pin: bool = False

    def __len__(self) -> int:
        return len(self.photos)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:
        """The pixel values of each batch."""
        return stream_photos(self.photos, batches, epoch, self.workers, self.pin)

    def embed(self, model: TwoTower, batch: Tensor) -> Tensor:
        """Pass photos through tower and projector."""
        pixels = batch.to(model.device, non_blocking=True, memory_format=torch.channels_last)
        return model.embed_image(pixels)


@dataclass(frozen=True)
class TokenizedCaptions:
    """Captions for the text tower."""

    tokens: Tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[TokenBatch]:  # noqa: ARG002
        """The tokens of each batch."""
        return (self.tokens.batch(rows) for rows in batches)

    def embed(self, model: TwoTower, batch: TokenBatch) -> Tensor:
        """Pass tokens through tower and projector; on a CPU, where padding costs time, by length."""
        ids, mask = (part.to(model.device) for part in batch)
        if ids.device.type != "cpu" or len(ids) <= _AT_ONCE:
            return model.embed_text(ids, mask)
        lengths = mask.sum(dim=1)
        order = lengths.argsort(stable=True)
        chunks = [order[start : start + _AT_ONCE] for start in range(0, len(order), _AT_ONCE)]
        longest = [int(lengths[rows[-1]]) for rows in chunks]
        parts = [
            model.embed_text(ids[rows, :length], mask[rows, :length])
            for rows, length in zip(chunks, longest, strict=True)
        ]
        return torch.cat(parts)[order.argsort()]


@dataclass(frozen=True)
class MaskedCaptions(TokenizedCaptions):
    """Captions of which each step hides some tokens; which ones follows from (seed, epoch, step).

    Attributes:
        share: Probability that a token is hidden; [CLS], [SEP] and padding never are.
        seed: What the choice is derived from.
    """

    share: float
    seed: int

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[TokenBatch]:
        """The tokens of each batch, some of them hidden."""
        for step, rows in enumerate(batches):
            ids, mask = self.tokens.batch(rows)
            rng = np.random.default_rng([self.seed, epoch, step, *_MASKS])
            hidden = torch.from_numpy(rng.random(ids.shape) < self.share)
            yield torch.where(hidden & self.tokens.word_mask(ids), self.tokens.mask_id, ids), mask


@dataclass(frozen=True)
class KeywordReplacement:
    """Captions of which an epoch replaces some by their keywords; which ones follows from (seed, epoch, row).

    Attributes:
        both: All captions, and after them the keywords of each, in the same order.
        share: Probability that a caption is replaced.
        seed: What the choice is derived from.
    """

    both: InputPipeline
    share: float
    seed: int

    def __len__(self) -> int:
        return len(self.both) // 2

    def replacement_mask(self, epoch: int) -> npt.NDArray[np.bool_]:
        """Whether the epoch takes a caption's keywords in its place, (captions,)."""
        rng = np.random.default_rng([self.seed, epoch, *_KEYWORDS])
        return rng.random(len(self)) < self.share

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Any]:
        """The captions of each batch, or their keywords."""
        replacement_mask = self.replacement_mask(epoch)
        return self.both.stream([rows + replacement_mask[rows] * len(self) for rows in batches], epoch)

    def embed(self, model: TwoTower, batch: Any) -> Tensor:
        """Pass both through the same projector."""
        return self.both.embed(model, batch)


_KEYWORDS, _VIEWS, _MASKS = (0, 1), (0, 2), (0, 3)  # tell these choices from others of the same seed and epoch
