"""How sure a measured recall is: 95 % bootstrap intervals.

The percentile method (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13), resampling *images*
together with all their captions: captions of one image rise and fall together, so drawing them one by one would
make intervals too narrow. It is done on ranks, that is, given the images and captions that were searched: an
interval says how far the figure would move with other queries of this kind, not in a larger or smaller collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.evaluation.metrics import CUTOFFS, RetrievalRanks

Samples = npt.NDArray[np.float64]
"""Recalls of each resample in percent, (resamples, 6): text to image at 1, 5, 10, then image to text."""

Bounds = tuple[float, float]
"""The lower and the upper end of an interval, in percent."""

CONFIDENCE_LEVEL = 0.95

MAX_DRAWS = 1 << 22
"""Draws in memory at once: 32 MB of positions, 32 MB of counts."""


@dataclass(frozen=True)
class Interval:
    """Where the recalls lie in ``LEVEL`` of all resamples; ``r1``, ``r5`` and ``r10`` of each direction, and rsum."""

    text_to_image: tuple[Bounds, ...]
    image_to_text: tuple[Bounds, ...]
    rsum: Bounds
    resamples: int
    seed: int

    @classmethod
    def of(cls, samples: Samples, seed: int) -> Interval:
        """The central ``LEVEL`` of each recall's resamples."""
        tails = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
        figures = np.column_stack([samples, samples.sum(axis=1)])
        bounds = [(float(low), float(high)) for low, high in np.quantile(figures, tails, axis=0).T]
        return cls(tuple(bounds[:3]), tuple(bounds[3:6]), bounds[6], len(samples), seed)

    def to_json(self) -> dict[str, Any]:
        """``[low, high]`` for each recall, and how it was found."""
        return {
            "level": CONFIDENCE_LEVEL,
            "method": "percentile bootstrap over images",
            "resamples": self.resamples,
            "seed": self.seed,
            "text_to_image": _labelled(self.text_to_image),
            "image_to_text": _labelled(self.image_to_text),
            "rsum": _rounded(self.rsum),
        }


def resample(
    ranks: RetrievalRanks, resamples: int, seed: int | Sequence[int] = 0, max_draws: int = MAX_DRAWS
) -> Samples:
    """Measure ``resamples`` sets of as many images as there are, each drawn with replacement.

    Text to image is the share of the drawn images' captions that found their image: images with more captions weigh
    more, as they do in the figure itself.
    """
    hits = _hits(ranks)
    images = len(hits)
    rng = np.random.default_rng(seed)
    at_once = max(1, max_draws // images)
    parts = []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = rng.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images)
        parts.append(times @ hits)
    sums = np.concatenate(parts)
    return np.asarray(100 * np.column_stack([sums[:, :3] / sums[:, 3:4], sums[:, 4:] / images]))


def _hits(ranks: RetrievalRanks) -> Samples:
    """For each image: its captions that found it at 1, 5 and 10, its captions, and whether it found one at 1, 5, 10."""
    images = len(ranks.image_to_text)
    of_captions = [np.bincount(ranks.owner, ranks.text_to_image < k, images) for k in CUTOFFS]
    captions = np.bincount(ranks.owner, minlength=images)
    of_image = [ranks.image_to_text < k for k in CUTOFFS]
    return np.column_stack([*of_captions, captions, *of_image]).astype(np.float64)


def _labelled(bounds: Sequence[Bounds]) -> dict[str, list[float]]:
    return {f"r{k}": _rounded(found) for k, found in zip(CUTOFFS, bounds, strict=True)}


def _rounded(bounds: Bounds) -> list[float]:
    return [round(end, 3) for end in bounds]
