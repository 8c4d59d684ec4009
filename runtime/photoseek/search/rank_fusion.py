"""One order out of two: how the scores that two bundles give the same photos are put together.

``rrf``
    Reciprocal rank fusion: a photo's score is the sum over both orders of ``1 / (60 + rank)``. Cormack, Clarke and
    Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009, with
    their constant.
``zscore``
    The sum of both scores (CombSUM of Fox and Shaw, "Combination of Multiple Searches", TREC-2, 1994), each
    standardised over the photos at hand to mean 0 and deviation 1, since the cosines of two bundles lie in bands of
    their own (ZMUV of Montague and Aslam, "Relevance Score Normalization for Metasearch", CIKM 2001).

Both weigh the second bundle by ``weight`` and the first by ``1 - weight``; at 0.5 they are the rules as published.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from photoseek.errors import QueryError

Method: TypeAlias = Literal["zscore", "rrf"]
"""How two orders become one."""

RRF_K = 60
"""The constant of reciprocal rank fusion, as published: how little the very first ranks stand out."""

DEPTH = 100
"""How many hits a second bundle looks at, unless something else is asked for."""

MAX_DEPTH = 10_000
"""More than so many are refused."""

Scores = npt.NDArray[np.float64]
"""A number for each photo, (n,); more is better."""


@dataclass(frozen=True)
class Fusion:
    """A rule, and how much the second bundle counts.

    Attributes:
        rule: ``zscore`` or ``rrf``.
        weight: Of the second bundle, in [0, 1]; the first has the rest.

    Raises:
        QueryError: Unknown rule or invalid weight.
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
        """The fused score of each of n photos; those of several queries at once have a row each.

        Args:
            first: Scores by the first bundle, (..., n), all finite.
            second: By the second, (..., n); NaN where it knows nothing of a photo, which counts as last.
        """
        one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
        scale = z_scores if self.rule == "zscore" else reciprocal_rank_scores
        return np.asarray((1 - self.weight) * scale(one) + self.weight * scale(other))


def reciprocal_rank_scores(scores: Scores) -> Scores:
    """``1 / (60 + rank)`` of each score along the last axis, the best of rank 1; of NaN 0, as if it stood in no order.

    Of equal scores the earlier ranks first.
    """
    order = np.argsort(-scores, axis=-1, kind="stable")  # NaN comes last
    ranks = np.empty(scores.shape, dtype=np.float64)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, scores.shape[-1] + 1), scores.shape), axis=-1)
    return np.where(np.isnan(scores), 0.0, 1 / (RRF_K + ranks))


def z_scores(scores: Scores) -> Scores:
    """Mean 0 and deviation 1 along the last axis; of NaN the lowest of the others, and all 0 where none differ."""
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    filled = np.where(known, scores, 0.0)
    mean = filled.sum(axis=-1, keepdims=True) / count
    centred = np.where(known, filled - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / count)
    flat = deviation < 1e-9  # rounding is no difference
    scaled = np.where(flat, 0.0, centred / np.where(flat, 1.0, deviation))
    return np.where(known, scaled, np.where(known, scaled, np.inf).min(axis=-1, keepdims=True, initial=0.0))
