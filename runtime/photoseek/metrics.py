"""How well captions find their images and images their captions: Recall@K and median rank.

The protocol is that of VSE++ (Faghri et al., BMVC 2018; ``evaluation.py`` of its reference implementation):
every caption queries all images, every image queries all captions, and an image has found its caption when
*any* of its own captions is among the first K.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.vectors import Vectors

Ranks = npt.NDArray[np.int64]
"""For each query, how many wrong answers stand before the first right one."""

_BLOCK = 1024  # queries scored at once: 1024 x 31,783 float32 scores are 130 MB


@dataclass(frozen=True)
class Recall:
    """Recall@1, 5 and 10 in percent of the queries, and the median rank (1 is best)."""

    r1: float
    r5: float
    r10: float
    medr: float

    @classmethod
    def of(cls, ranks: Ranks) -> Recall:
        """Summarise ranks; the median is floored as in VSE++."""
        r1, r5, r10 = (100.0 * float(np.mean(ranks < k)) for k in (1, 5, 10))
        return cls(r1, r5, r10, medr=float(np.floor(np.median(ranks)) + 1))

    def to_json(self) -> dict[str, float]:
        """The recalls, rounded to a thousandth of a percent."""
        return {
            "r1": round(self.r1, 3),
            "r5": round(self.r5, 3),
            "r10": round(self.r10, 3),
            "medr": self.medr,
        }


@dataclass(frozen=True)
class RetrievalMetrics:
    """Recall in both directions, and the sizes without which the figures mean nothing."""

    text_to_image: Recall
    image_to_text: Recall
    images: int
    captions: int

    @property
    def rsum(self) -> float:
        """The sum of the six recalls, in percent: at most 600."""
        both = (self.text_to_image, self.image_to_text)
        return sum(recall.r1 + recall.r5 + recall.r10 for recall in both)

    def to_json(self) -> dict[str, Any]:
        """The form that every ``--json`` and every manifest uses."""
        return {
            "text_to_image": self.text_to_image.to_json(),
            "image_to_text": self.image_to_text.to_json(),
            "rsum": round(self.rsum, 3),
            "images": self.images,
            "captions": self.captions,
        }


def retrieval_metrics(images: Vectors, texts: Vectors, image_of_text: npt.ArrayLike) -> RetrievalMetrics:
    """Measure retrieval in both directions.

    Args:
        images: Unit vectors of N images, (N, dim).
        texts: Unit vectors of M captions, (M, dim).
        image_of_text: For each caption the row of its image, (M,), each in [0, N).

    Raises:
        ValueError: Shapes that don't fit, or an image without a caption.
    """
    owner = np.asarray(image_of_text, dtype=np.int64)
    _check(images, texts, owner)
    return RetrievalMetrics(
        text_to_image=Recall.of(text_to_image_ranks(images, texts, owner)),
        image_to_text=Recall.of(image_to_text_ranks(images, texts, owner)),
        images=len(images),
        captions=len(texts),
    )


def text_to_image_ranks(images: Vectors, texts: Vectors, owner: Ranks) -> Ranks:
    """For each caption, how many other images score at least as high as its own: ties count against us."""
    parts = []
    for rows, scores in _score_blocks(texts, images):
        own = scores[np.arange(len(scores)), owner[rows]]
        parts.append((scores >= own[:, None]).sum(axis=1) - 1)
    return np.concatenate(parts)


def image_to_text_ranks(images: Vectors, texts: Vectors, owner: Ranks) -> Ranks:
    """For each image, how many captions of others score at least as high as its own best: ties count against us."""
    parts = []
    for rows, scores in _score_blocks(images, texts):
        own = owner[None, :] == np.arange(rows.start, rows.stop)[:, None]
        best = np.where(own, scores, -np.inf).max(axis=1)
        parts.append(((scores >= best[:, None]) & ~own).sum(axis=1))
    return np.concatenate(parts)


def _score_blocks(queries: Vectors, targets: Vectors) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    for start in range(0, len(queries), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(queries)))
        yield rows, queries[rows] @ targets.T


def _check(images: Vectors, texts: Vectors, owner: Ranks) -> None:
    if images.ndim != 2 or texts.ndim != 2 or images.shape[1] != texts.shape[1]:
        raise ValueError(f"expected (N, dim) and (M, dim) of one dim, found {images.shape} and {texts.shape}")
    if owner.shape != (len(texts),):
        raise ValueError(f"expected one image row per caption, ({len(texts)},), found {owner.shape}")
    if len(owner) == 0 or owner.min() < 0 or owner.max() >= len(images):
        raise ValueError(f"image rows of captions must lie in [0, {len(images)})")
    captioned = np.bincount(owner, minlength=len(images)) > 0
    if not captioned.all():
        raise ValueError(f"image {int(np.argmin(captioned))} has no caption; leave it out of the measurement")
