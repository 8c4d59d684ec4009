"""Retrieval metrics in both directions: Recall@K, median and mean rank.

The protocol is that of VSE++ (Faghri et al., BMVC 2018; ``evaluation.py`` of its reference implementation):
every caption queries all images, every image queries all captions, and an image counts as found when *any* of its
captions is among the first K.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.vectors import Vectors

Ranks = npt.NDArray[np.int64]
"""For each query, the number of wrong results before the first correct one."""

CUTOFFS = (1, 5, 10)
"""The K of Recall@K."""

_BLOCK = 1024  # queries scored at a time: 1024 x 31,783 float32 scores are 130 MB


@dataclass(frozen=True)
class RecallMetrics:
    """Recall@1, 5 and 10 in percent of the queries, the median rank and the mean rank (1 is best)."""

    r1: float
    r5: float
    r10: float
    medr: float
    meanr: float

    @classmethod
    def of(cls, ranks: Ranks) -> RecallMetrics:
        """Summarize ranks; the median is floored as in VSE++."""
        r1, r5, r10 = (100.0 * float(np.mean(ranks < k)) for k in CUTOFFS)
        return cls(r1, r5, r10, float(np.floor(np.median(ranks)) + 1), float(np.mean(ranks)) + 1)

    @classmethod
    def mean(cls, folds: Sequence[RecallMetrics]) -> RecallMetrics:
        """Return the mean of each metric over folds, ranks included, as VSE++ reports five folds."""
        rows = np.array([astuple(fold) for fold in folds])
        return cls(*rows.mean(axis=0).tolist())

    @classmethod
    def from_json(cls, values: Mapping[str, float]) -> RecallMetrics:
        """Parse the output of ``to_json``."""
        return cls(**values)

    def to_json(self) -> dict[str, float]:
        """Return the metrics, rounded to a thousandth."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class RetrievalMetrics:
    """Recall in both directions, and the numbers of images and captions that it depends on."""

    text_to_image: RecallMetrics
    image_to_text: RecallMetrics
    images: int
    captions: int

    @classmethod
    def of(cls, ranks: RetrievalRanks) -> RetrievalMetrics:
        """Summarize the ranks of both directions."""
        return cls(
            text_to_image=RecallMetrics.of(ranks.text_to_image),
            image_to_text=RecallMetrics.of(ranks.image_to_text),
            images=len(ranks.image_to_text),
            captions=len(ranks.text_to_image),
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RetrievalMetrics:
        """Parse the output of ``to_json``."""
        text_to_image, image_to_text = map(RecallMetrics.from_json, (values["text_to_image"], values["image_to_text"]))
        return cls(text_to_image, image_to_text, values["images"], values["captions"])

    @property
    def rsum(self) -> float:
        """The sum of the six recalls, in percent: at most 600."""
        both = (self.text_to_image, self.image_to_text)
        return sum(recall.r1 + recall.r5 + recall.r10 for recall in both)

    def to_json(self) -> dict[str, Any]:
        """Return the form that every ``--json`` and every manifest uses."""
        return {
            "text_to_image": self.text_to_image.to_json(),
            "image_to_text": self.image_to_text.to_json(),
            "rsum": round(self.rsum, 3),
            "images": self.images,
            "captions": self.captions,
        }


@dataclass(frozen=True)
class RetrievalRanks:
    """Ranks of the correct results of every query.

    Attributes:
        text_to_image: The rank of each caption's image, (captions,).
        image_to_text: The rank of each image's best caption, (images,).
        owner: Row of each caption's image, (captions,).
    """

    text_to_image: Ranks
    image_to_text: Ranks
    owner: Ranks


def retrieval_metrics(images: Vectors, texts: Vectors, image_of_text: npt.ArrayLike) -> RetrievalMetrics:
    """Return the metrics of both directions; arguments and errors are those of ``retrieval_ranks``."""
    return RetrievalMetrics.of(retrieval_ranks(images, texts, image_of_text))


def retrieval_ranks(images: Vectors, texts: Vectors, image_of_text: npt.ArrayLike) -> RetrievalRanks:
    """Rank the correct results of every query, among all images and among all captions.

    Args:
        images: Unit vectors of N images, (N, dim).
        texts: Unit vectors of M captions, (M, dim).
        image_of_text: Row of each caption's image, (M,), each in [0, N).

    Raises:
        ValueError: The shapes do not match, a vector is not finite, or an image has no caption.
    """
    owner = np.asarray(image_of_text, dtype=np.int64)
    _check(images, texts, owner)
    return RetrievalRanks(
        text_to_image_ranks(images, texts, owner),
        image_to_text_ranks(images, texts, owner),
        owner,
    )


def text_to_image_ranks(images: Vectors, texts: Vectors, owner: Ranks) -> Ranks:
    """Return for each caption how many other images score at least as high as its own; ties count against it."""
    ranks = []
    for rows, scores in _score_blocks(texts, images):
        own_scores = scores[np.arange(len(scores)), owner[rows]]
        ranks.append((scores >= own_scores[:, None]).sum(axis=1) - 1)
    return np.concatenate(ranks)


def image_to_text_ranks(images: Vectors, texts: Vectors, owner: Ranks) -> Ranks:
    """Return for each image how many other captions score at least as high as its best; ties count against it."""
    ranks = []
    for rows, scores in _score_blocks(images, texts):
        is_own = owner[None, :] == np.arange(rows.start, rows.stop)[:, None]
        best = np.where(is_own, scores, -np.inf).max(axis=1)
        ranks.append(((scores >= best[:, None]) & ~is_own).sum(axis=1))
    return np.concatenate(ranks)


def _score_blocks(queries: Vectors, targets: Vectors) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    for start in range(0, len(queries), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(queries)))
        yield rows, queries[rows] @ targets.T


def _check(images: Vectors, texts: Vectors, owner: Ranks) -> None:
    if images.ndim != 2 or texts.ndim != 2 or images.shape[1] != texts.shape[1]:
        raise ValueError(f"expected (N, dim) and (M, dim) of one dim, found {images.shape} and {texts.shape}")
    if owner.shape != (len(texts),):
        raise ValueError(f"expected one image row per caption, ({len(texts)},), found {owner.shape}")
    for name, vectors in (("images", images), ("texts", texts)):
        if not np.isfinite(vectors).all():  # comparisons with NaN are false, which would count as found
            raise ValueError(f"vectors of {name} contain NaN or infinity; they cannot be ranked")
    if len(owner) == 0 or owner.min() < 0 or owner.max() >= len(images):
        raise ValueError(f"image rows of captions must be in [0, {len(images)})")
    captioned = np.bincount(owner, minlength=len(images)) > 0
    if not captioned.all():
        raise ValueError(f"image {int(np.argmin(captioned))} has no caption; exclude it from the evaluation")
