"""95% bootstrap intervals of recall.

The percentile method (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13), resampling *images*
with all their captions: the captions of one image are correlated, so resampling single captions would make the
intervals too narrow. Ranks are resampled, so an interval describes other queries of this kind on the same collection,
not a larger or smaller collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from photoseek.evaluation.metrics import CUTOFFS, RetrievalRanks

Samples = npt.NDArray[np.float64]
"""Recall of each resample in percent, (resamples, 6): text to image at 1, 5, 10, then image to text."""

Bounds = tuple[float, float]
"""Lower and upper end of an interval, in percent."""

CONFIDENCE_LEVEL = 0.95

MAX_DRAWS = 1 << 22
"""Draws in memory at a time: 32 MB of positions, 32 MB of counts."""


@dataclass(frozen=True)
class Interval:
    """Intervals at ``CONFIDENCE_LEVEL`` of ``r1``, ``r5`` and ``r10`` in each direction, and of rsum."""

    text_to_image: tuple[Bounds, ...]
    image_to_text: tuple[Bounds, ...]
    rsum: Bounds
    resamples: int
    seed: int

    @classmethod
    def of(cls, samples: Samples, seed: int) -> Interval:
        """Return the central ``CONFIDENCE_LEVEL`` of the resamples."""
        tails = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
        figures = np.column_stack([samples, samples.sum(axis=1)])
        bounds = [(float(low), float(high)) for low, high in np.quantile(figures, tails, axis=0).T]
        return cls(tuple(bounds[:3]), tuple(bounds[3:6]), bounds[6], len(samples), seed)

    def to_json(self) -> dict[str, Any]:
        """Return ``[low, high]`` of each recall, and the method."""
        return {
            "level": CONFIDENCE_LEVEL,
            "method": "percentile bootstrap over images",
            "resamples": self.resamples,
            "seed": self.seed,
            "text_to_image": _labeled(self.text_to_image),
            "image_to_text": _labeled(self.image_to_text),
            "rsum": _rounded(self.rsum),
        }


def resample(
    ranks: RetrievalRanks, resamples: int, seed: int | Sequence[int] = 0, max_draws: int = MAX_DRAWS
) -> Samples:
    """Return the recall of ``resamples`` sets of images, drawn with replacement, each as large as the original.

    Text to image is the share of captions that found their image: images with more captions have more weight, as in
    the recall itself.
    """
    hits = _hits(ranks)
    images = len(hits)
    rng = np.random.default_rng(seed)
    at_once = max(1, max_draws // images)
    sums_of_batches = []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = rng.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images)
        sums_of_batches.append(counts @ hits)
    sums = np.concatenate(sums_of_batches)
    return np.asarray(100 * np.column_stack([sums[:, :3] / sums[:, 3:4], sums[:, 4:] / images]))


def _hits(ranks: RetrievalRanks) -> Samples:
    """Return by image: captions that found it at 1, 5 and 10, captions, and whether it found one at 1, 5 and 10."""
    images = len(ranks.image_to_text)
    of_captions = [np.bincount(ranks.owner, ranks.text_to_image < k, images) for k in CUTOFFS]
    captions = np.bincount(ranks.owner, minlength=images)
    of_image = [ranks.image_to_text < k for k in CUTOFFS]
    return np.column_stack([*of_captions, captions, *of_image]).astype(np.float64)


def _labeled(bounds: Sequence[Bounds]) -> dict[str, list[float]]:
    return {f"r{k}": _rounded(found) for k, found in zip(CUTOFFS, bounds, strict=True)}


def _rounded(bounds: Bounds) -> list[float]:
    return [round(end, 3) for end in bounds]
