"""Rank fusion: combine the scores that two bundles give to the same photos.

``rrf``
    Reciprocal rank fusion: a photo's score is the sum over both rankings of ``1 / (60 + rank)``. Cormack, Clarke and
    Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009, with
    their constant.
``zscore``
    The sum of both scores (CombSUM of Fox and Shaw, "Combination of Multiple Searches", TREC-2, 1994), each
    standardized over the photos to mean 0 and deviation 1, since the cosines of two bundles have different ranges
    (ZMUV of Montague and Aslam, "Relevance Score Normalization for Metasearch", CIKM 2001).

The second bundle has the weight ``weight``, the first ``1 - weight``; at 0.5 the methods are as published.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from photoseek.errors import QueryError

Method: TypeAlias = Literal["zscore", "rrf"]
"""Fusion method."""

RRF_K = 60
"""The published constant of reciprocal rank fusion; larger values favor the top ranks less."""

DEPTH = 100
"""Default number of hits to rerank."""

MAX_DEPTH = 10_000
"""Maximum number of hits to rerank."""

Scores = npt.NDArray[np.float64]
"""A number for each photo, (n,); higher is better."""


@dataclass(frozen=True)
class Fusion:
    """A fusion method and the weight of the second bundle.

    Attributes:
        rule: ``zscore`` or ``rrf``.
        weight: Weight of the second bundle, in [0, 1]; the first has the rest.

    Raises:
        QueryError: Unknown method or invalid weight.
    """

    rule: Method = "zscore"
    weight: float = 0.5

    def __post_init__(self) -> None:
        if self.rule not in get_args(Method):
            raise QueryError(f"fuse: expected one of {', '.join(get_args(Method))}, found {self.rule!r}")
        weight = self.weight
        if not isinstance(weight, Real) or isinstance(weight, bool) or not 0 <= weight <= 1:
            raise QueryError(f"rerank weight: expected a number from 0 to 1, found {weight!r}")

    def fuse(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Scores:
        """Return the fused scores of n photos, (..., n), for one or several queries.

        Args:
            first: Scores by the first bundle, (..., n), all finite.
            second: Scores by the second bundle, (..., n). NaN, for a photo that it could not encode, ranks last.
        """
        scale = z_scores if self.rule == "zscore" else reciprocal_rank_scores
        first_scores, second_scores = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
        return np.asarray((1 - self.weight) * scale(first_scores) + self.weight * scale(second_scores))


def reciprocal_rank_scores(scores: Scores) -> Scores:
    """Return ``1 / (60 + rank)`` along the last axis, the best score having rank 1, and 0 for NaN.

    Of equal scores, the earlier one ranks first.
    """
    order = np.argsort(-scores, axis=-1, kind="stable")  # NaN comes last
    ranks = np.empty(scores.shape, dtype=np.float64)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, scores.shape[-1] + 1), scores.shape), axis=-1)
    return np.where(np.isnan(scores), 0.0, 1 / (RRF_K + ranks))


def z_scores(scores: Scores) -> Scores:
    """Standardize along the last axis to mean 0 and deviation 1. NaN gets the lowest value; equal scores all get 0."""
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    filled = np.where(known, scores, 0.0)
    mean = filled.sum(axis=-1, keepdims=True) / count
    centered = np.where(known, filled - mean, 0.0)
    deviation = np.sqrt((centered**2).sum(axis=-1, keepdims=True) / count)
    flat = deviation < 1e-9  # equal up to rounding
    scaled = np.where(flat, 0.0, centered / np.where(flat, 1.0, deviation))
    return np.where(known, scaled, np.where(known, scaled, np.inf).min(axis=-1, keepdims=True, initial=0.0))
