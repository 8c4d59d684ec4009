"""Inputs of a training step: cached features of a frozen tower, or photos and tokens for a trained one."""

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

_CPU_BATCH_SIZE = 64  # captions per forward pass on a CPU, sorted by length to minimize padding


class InputPipeline(Protocol):
    """The photos or captions of a split, in a form that the model can embed."""

    def __len__(self) -> int:
        """Return the number of photos or captions."""

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Any]:
        """Yield the inputs at the rows of each batch, in order."""

    def embed(self, model: TwoTower, batch: Any) -> Tensor:
        """Return the vectors of a streamed batch, (n, dim), not normalized."""


@dataclass(frozen=True)
class CachedFeatures:
    """Features that a frozen tower computed.

    Attributes:
        features: float32 (n, width of the tower).
        project: ``TwoTower.project_image`` or ``TwoTower.project_text``.
    """

    features: Tensor
    project: Callable[[TwoTower, Tensor], Tensor]

    def __len__(self) -> int:
        return len(self.features)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:  # noqa: ARG002
        """Yield the features of each batch."""
        return (self.features[torch.from_numpy(rows)] for rows in batches)

    def embed(self, model: TwoTower, batch: Tensor) -> Tensor:
        """Project the features."""
        return self.project(model, batch.to(model.device))


@dataclass(frozen=True)
class CachedViews(CachedFeatures):
    """Features of several random views of each photo, float32 (views, n, width); a step uses one view of each photo.

    The view is derived from ``seed``, the epoch and the step.
    """

    seed: int

    def __len__(self) -> int:
        return self.features.shape[1]

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:
        """Yield a view of each photo of each batch."""
        for step, rows in enumerate(batches):
            rng = np.random.default_rng([self.seed, epoch, step, *_VIEWS])
            views = rng.integers(len(self.features), size=len(rows))
            yield self.features[torch.from_numpy(views), torch.from_numpy(rows)]


@dataclass(frozen=True)
class DecodedPhotos:
    """Photos for the image tower; ``pin`` copies batches to page-locked memory for a GPU."""

    photos: EvaluationPhotos
    workers: int = 0
    pin: bool = False

    def __len__(self) -> int:
        return len(self.photos)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Tensor]:
        """Yield the pixel values of each batch."""
        return stream_photos(self.photos, batches, epoch, self.workers, self.pin)

    def embed(self, model: TwoTower, batch: Tensor) -> Tensor:
        """Encode and project photos."""
        pixels = batch.to(model.device, non_blocking=True, memory_format=torch.channels_last)
        return model.embed_image(pixels)


@dataclass(frozen=True)
class TokenizedCaptions:
    """Tokenized captions for the text tower."""

    tokens: Tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[TokenBatch]:  # noqa: ARG002
        """Yield the tokens of each batch."""
        return (self.tokens.batch(rows) for rows in batches)

    def embed(self, model: TwoTower, batch: TokenBatch) -> Tensor:
        """Encode and project tokens; on a CPU in groups of similar length, because padding costs time."""
        ids, mask = (part.to(model.device) for part in batch)
        if ids.device.type != "cpu" or len(ids) <= _CPU_BATCH_SIZE:
            return model.embed_text(ids, mask)
        lengths = mask.sum(dim=1)
        order = lengths.argsort(stable=True)
        chunks = [order[start : start + _CPU_BATCH_SIZE] for start in range(0, len(order), _CPU_BATCH_SIZE)]
        longest = [int(lengths[rows[-1]]) for rows in chunks]
        vectors = [
            model.embed_text(ids[rows, :length], mask[rows, :length])
            for rows, length in zip(chunks, longest, strict=True)
        ]
        return torch.cat(vectors)[order.argsort()]


@dataclass(frozen=True)
class MaskedCaptions(TokenizedCaptions):
    """Captions with randomly masked tokens; the choice is derived from (seed, epoch, step).

    Attributes:
        share: Probability of masking a token; [CLS], [SEP] and padding are never masked.
        seed: Seed of the choice.
    """

    share: float
    seed: int

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[TokenBatch]:
        """Yield the tokens of each batch, some of them masked."""
        for step, rows in enumerate(batches):
            ids, mask = self.tokens.batch(rows)
            rng = np.random.default_rng([self.seed, epoch, step, *_MASKS])
            hidden = torch.from_numpy(rng.random(ids.shape) < self.share)
            yield torch.where(hidden & self.tokens.word_mask(ids), self.tokens.mask_id, ids), mask


@dataclass(frozen=True)
class KeywordReplacement:
    """Captions that are randomly replaced by their keywords; the choice is derived from (seed, epoch, row).

    Attributes:
        both: All captions, followed by the keywords of each, in the same order.
        share: Probability of replacing a caption.
        seed: Seed of the choice.
    """

    both: InputPipeline
    share: float
    seed: int

    def __len__(self) -> int:
        return len(self.both) // 2

    def replacement_mask(self, epoch: int) -> npt.NDArray[np.bool_]:
        """Return whether the epoch replaces each caption by its keywords, (captions,)."""
        rng = np.random.default_rng([self.seed, epoch, *_KEYWORDS])
        return rng.random(len(self)) < self.share

    def stream(self, batches: Sequence[Rows], epoch: int) -> Iterator[Any]:
        """Yield the captions of each batch, or their keywords."""
        replacement_mask = self.replacement_mask(epoch)
        return self.both.stream([rows + replacement_mask[rows] * len(self) for rows in batches], epoch)

    def embed(self, model: TwoTower, batch: Any) -> Tensor:
        """Embed captions and keywords alike."""
        return self.both.embed(model, batch)


_KEYWORDS, _VIEWS, _MASKS = (0, 1), (0, 2), (0, 3)  # separate random streams for the same seed and epoch
