"""What reranking gains: recall of two bundles alone, and of the first with its first hits looked at by the second.

Text to image, as ``photoseek.evaluation.metrics`` measures it, exact search. What the fused order gains over the
better of both bundles has an interval of its own, from the same resamples of the images for both (a paired bootstrap,
Efron and Tibshirani 1993): figures over the same images differ by far less than each of them varies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    """The recall at one depth, and what it gains over the better bundle.

    Attributes:
        recall: Text to image.
        gains: Points of R@1, R@5 and R@10 above the better of both bundles alone, which may be another one for each.
        bounds: The interval of each; None where none was asked for.
    """

    recall: RecallMetrics
    improvement: tuple[float, ...]
    bounds: tuple[Bounds, ...] | None

    def to_json(self) -> dict[str, Any]:
        """The recall, with ``gain`` and, where there are intervals, ``interval``."""
        names = [f"r{k}" for k in CUTOFFS]
        bounds = None if self.bounds is None else [[round(end, 3) for end in ends] for ends in self.bounds]
        return {
            **self.recall.to_json(),
            "gain": dict(zip(names, (round(gain, 3) for gain in self.improvement), strict=True)),
            **({} if bounds is None else {"interval": dict(zip(names, bounds, strict=True))}),
        }


@dataclass(frozen=True)
class RerankEvaluation:
    """Both bundles alone, and the fused order by depth.

    Attributes:
        names: Of the first and the second bundle.
        first: That which searches, alone.
        second: That which looks once more, alone.
        depths: The fused order, by how many hits were looked at.
        fusion: How.
        images: How many were searched.
        captions: How many asked.
    """

    names: tuple[str, str]
    first: RecallMetrics
    second: RecallMetrics
    depths: Mapping[int, Reranked]
    fusion: Fusion
    images: int
    captions: int

    def to_json(self) -> dict[str, Any]:
        """The form that ``evaluate --rerank --json`` prints."""
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
    """Measure the same images and captions, as two bundles encoded them.

    Args:
        first: By the bundle that searches.
        second: By the one that looks at its first hits.
        names: Of both.
        depths: How many hits, each from 1 to ``MAX_DEPTH``.
        fusion: How both orders become one. None: the default.
        resamples: Of the intervals; 0: none.
        seed: Of the resamples.

    Raises:
        EvaluationError: The images or captions of both are not the same.
        QueryError: No such depth.
    """
    if first.names != second.names or first.captions != second.captions:
        raise EvaluationError("expected the same images and captions for both bundles, found others")
    fusion, owner = fusion or Fusion(), first.image_of_text
    alone = [_ranks(first, second, owner, rule, len(first.names)) for rule in (Fusion(weight=0.0), Fusion(weight=1.0))]
    found = {}
    for depth in map(check_depth, depths):
        ranks = _ranks(first, second, owner, fusion, depth)
        found[depth] = _improvement(ranks, alone, owner, len(first.names), resamples, seed)
    one, other = map(RecallMetrics.of, alone)
    return RerankEvaluation(names, one, other, found, fusion, len(first.names), len(owner))


def reranked_ranks(first: EncodedSplit, second: EncodedSplit, fusion: Fusion, depth: int) -> Ranks:
    """For each caption, how many other images stand before its own; ties count against it, (captions,)."""
    return _ranks(first, second, first.image_of_text, fusion, depth)


def _ranks(first: EncodedSplit, second: EncodedSplit, owner: Ranks, fusion: Fusion, depth: int) -> Ranks:
    parts = []
    for rows in _blocks(len(owner)):
        one, other = first.texts[rows] @ first.images.T, second.texts[rows] @ second.images.T
        own = owner[rows][:, None]
        before = (one >= np.take_along_axis(one, own, axis=1)).sum(axis=1) - 1
        top = np.argsort(-one, axis=1, kind="stable")[:, :depth]
        fused = fusion.fuse(np.take_along_axis(one, top, axis=1), np.take_along_axis(other, top, axis=1))
        mine = top == own
        among = (fused >= np.where(mine, fused, -np.inf).max(axis=1, keepdims=True)).sum(axis=1) - 1
        parts.append(np.where(mine.any(axis=1), among, before))
    return np.concatenate(parts)


def _improvement(
    ranks: Ranks, alone: Sequence[Ranks], owner: Ranks, images: int, resamples: int, seed: int
) -> Reranked:
    recall = RecallMetrics.of(ranks)
    of_all = _recall_at(recall)
    reached = [_recall_at(RecallMetrics.of(each)) for each in alone]
    best = [max(range(len(alone)), key=lambda which: reached[which][place]) for place in range(len(CUTOFFS))]
    gains = tuple(mine - reached[which][place] for place, (mine, which) in enumerate(zip(of_all, best, strict=True)))
    if resamples == 0:
        return Reranked(recall, gains, None)
    samples, *others = (_resampled(each, owner, images, resamples, seed) for each in (ranks, *alone))
    differences = np.column_stack([samples[:, place] - others[which][:, place] for place, which in enumerate(best)])
    ends = np.quantile(differences, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2], axis=0).T
    return Reranked(recall, gains, tuple((float(low), float(high)) for low, high in ends))


def _resampled(ranks: Ranks, owner: Ranks, images: int, resamples: int, seed: int) -> np.ndarray[Any, Any]:
    """R@1, 5 and 10 of each resample, (resamples, 3); the same seed draws the same images."""
    return resample(RetrievalRanks(ranks, np.zeros(images, dtype=np.int64), owner), resamples, seed)[:, : len(CUTOFFS)]


def _recall_at(recall: RecallMetrics) -> tuple[float, float, float]:
    return recall.r1, recall.r5, recall.r10


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _BLOCK):
        yield slice(start, min(start + _BLOCK, count))
