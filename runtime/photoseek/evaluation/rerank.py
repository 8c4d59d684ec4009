"""The gain of reranking: recall of two bundles alone, and of the first one's ranking reranked with the second.

Text to image with exact search, as in ``photoseek.evaluation.metrics``. The gain over the better bundle has a paired
bootstrap interval (Efron and Tibshirani 1993): both rankings are resampled with the same images, because figures over
the same images differ by far less than each of them varies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from photoseek.errors import EvaluationError
from photoseek.evaluation.bootstrap import CONFIDENCE_LEVEL, Bounds, resample
from photoseek.evaluation.evaluate import EncodedSplit
from photoseek.evaluation.metrics import CUTOFFS, Ranks, RecallMetrics, RetrievalRanks
from photoseek.search.rank_fusion import Fusion
from photoseek.search.reranker import check_depth

_BLOCK = 512  # captions scored at once


@dataclass(frozen=True)
class Reranked:
    """Recall at one depth, and its gain over the better bundle.

    Attributes:
        recall: Text to image.
        improvement: Percentage points of R@1, R@5 and R@10 above the better bundle, which may differ between them.
        bounds: Interval of each gain, or None.
    """

    recall: RecallMetrics
    improvement: tuple[float, ...]
    bounds: tuple[Bounds, ...] | None

    def to_json(self) -> dict[str, Any]:
        """Return the recall with ``gain`` and, if there are intervals, ``interval``."""
        names = [f"r{k}" for k in CUTOFFS]
        bounds = None if self.bounds is None else [[round(end, 3) for end in ends] for ends in self.bounds]
        return {
            **self.recall.to_json(),
            "gain": dict(zip(names, (round(gain, 3) for gain in self.improvement), strict=True)),
            **({} if bounds is None else {"interval": dict(zip(names, bounds, strict=True))}),
        }


@dataclass(frozen=True)
class RerankEvaluation:
    """Recall of both bundles alone, and of the fused ranking by depth.

    Attributes:
        names: Names of the first and the second bundle.
        first: Recall of the bundle that searches.
        second: Recall of the bundle that reranks.
        depths: Recall of the fused ranking by number of reranked hits.
        fusion: How the rankings are combined.
        images: Number of images.
        captions: Number of captions, which are the queries.
    """

    names: tuple[str, str]
    first: RecallMetrics
    second: RecallMetrics
    depths: Mapping[int, Reranked]
    fusion: Fusion
    images: int
    captions: int

    def to_json(self) -> dict[str, Any]:
        """Return the output of ``evaluate --rerank --json``."""
        return {
            "first": {"bundle": self.names[0], **self.first.to_json()},
            "second": {"bundle": self.names[1], **self.second.to_json()},
            "depths": {str(depth): found.to_json() for depth, found in self.depths.items()},
            "fuse": self.fusion.rule,
            "rerank_weight": self.fusion.weight,
            "images": self.images,
            "captions": self.captions,
        }


def evaluate_rerank(
    first: EncodedSplit,
    second: EncodedSplit,
    names: tuple[str, str],
    depths: Sequence[int],
    fusion: Fusion | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> RerankEvaluation:
    """Measure reranking on images and captions that two bundles have encoded.

    Args:
        first: Vectors of the bundle that searches.
        second: Vectors of the bundle that reranks.
        names: Names of both bundles.
        depths: Numbers of hits to rerank, each from 1 to ``MAX_DEPTH``.
        fusion: How the rankings are combined. Defaults to ``Fusion()``.
        resamples: Bootstrap resamples, or 0 for no intervals.
        seed: Seed of the resamples.

    Raises:
        EvaluationError: The images or captions differ.
        QueryError: Invalid depth.
    """
    if first.names != second.names or first.captions != second.captions:
        raise EvaluationError("expected the same images and captions for both bundles, found different ones")
    fusion, images = fusion or Fusion(), len(first.names)
    alone = [reranked_ranks(first, second, Fusion(weight=weight), images) for weight in (0.0, 1.0)]
    found = {}
    for depth in map(check_depth, depths):
        ranks = reranked_ranks(first, second, fusion, depth)
        found[depth] = _improvement(ranks, alone, first.image_of_text, images, resamples, seed)
    one, other = map(RecallMetrics.of, alone)
    return RerankEvaluation(names, one, other, found, fusion, images, len(first.captions))


def reranked_ranks(first: EncodedSplit, second: EncodedSplit, fusion: Fusion, depth: int) -> Ranks:
    """Return how many other images precede each caption's image, (captions,). Ties count against it."""
    image_of_text, ranks = first.image_of_text, []
    for start in range(0, len(image_of_text), _BLOCK):
        rows = slice(start, start + _BLOCK)
        scores, other_scores = first.texts[rows] @ first.images.T, second.texts[rows] @ second.images.T
        own_image = image_of_text[rows][:, None]
        before = (scores >= np.take_along_axis(scores, own_image, axis=1)).sum(axis=1) - 1
        top = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
        fused = fusion.fuse(np.take_along_axis(scores, top, axis=1), np.take_along_axis(other_scores, top, axis=1))
        is_own = top == own_image
        among = (fused >= np.where(is_own, fused, -np.inf).max(axis=1, keepdims=True)).sum(axis=1) - 1
        ranks.append(np.where(is_own.any(axis=1), among, before))
    return np.concatenate(ranks)


def _improvement(
    ranks: Ranks, alone: Sequence[Ranks], image_of_text: Ranks, images: int, resamples: int, seed: int
) -> Reranked:
    """Compare reranked ranks with those of each bundle alone."""
    recall = RecallMetrics.of(ranks)
    baselines = [_recall_at(RecallMetrics.of(each)) for each in alone]
    best = [max(range(len(alone)), key=lambda which: baselines[which][column]) for column in range(len(CUTOFFS))]
    gains = tuple(
        value - baselines[which][column]
        for column, (value, which) in enumerate(zip(_recall_at(recall), best, strict=True))
    )
    if resamples == 0:
        return Reranked(recall, gains, None)
    samples, *others = (_resample(each, image_of_text, images, resamples, seed) for each in (ranks, *alone))
    differences = np.column_stack([samples[:, column] - others[which][:, column] for column, which in enumerate(best)])
    ends = np.quantile(differences, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2], axis=0).T
    return Reranked(recall, gains, tuple((float(low), float(high)) for low, high in ends))


def _resample(ranks: Ranks, image_of_text: Ranks, images: int, resamples: int, seed: int) -> np.ndarray[Any, Any]:
    """Return R@1, 5 and 10 of each resample, (resamples, 3). The same seed draws the same images."""
    both = RetrievalRanks(ranks, np.zeros(images, dtype=np.int64), image_of_text)
    return resample(both, resamples, seed)[:, : len(CUTOFFS)]


def _recall_at(recall: RecallMetrics) -> tuple[float, float, float]:
    return recall.r1, recall.r5, recall.r10
