"""Rank fusion, against values worked by hand and a plain reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from photoseek.errors import QueryError
from photoseek.search.rank_fusion import Fusion


def test_reciprocal_ranks_match_values_worked_by_hand() -> None:
    """Ranks 1, 2, 3 of the first and 3, 1, 2 of the second."""
    fused = Fusion("rrf").fuse([0.9, 0.5, 0.1], [0.2, 0.7, 0.6])
    np.testing.assert_allclose(fused, [(1 / 61 + 1 / 63) / 2, (1 / 62 + 1 / 61) / 2, (1 / 63 + 1 / 62) / 2])


def test_z_scores_match_values_worked_by_hand() -> None:
    """1, 2, 3 have mean 2 and deviation sqrt(2/3); of 0, 0, 3 they are 1 and sqrt(2)."""
    one = np.array([-1, 0, 1]) / np.sqrt(2 / 3)
    other = np.array([-1, -1, 2]) / np.sqrt(2)
    np.testing.assert_allclose(Fusion("zscore", 0.25).fuse([1, 2, 3], [0, 0, 3]), 0.75 * one + 0.25 * other)


@pytest.mark.parametrize("rule", ["rrf", "zscore"])
def test_the_weight_interpolates_between_the_rankings(rule: Any) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 50))
    for weight, alone in ((0.0, one), (1.0, other)):
        np.testing.assert_array_equal(np.argsort(-Fusion(rule, weight).fuse(one, other)), np.argsort(-alone))


def test_z_scores_ignore_scale_and_offset_of_cosines() -> None:
    one, other = np.random.default_rng(1).normal(size=(2, 20))
    np.testing.assert_allclose(Fusion().fuse(one, other), Fusion().fuse(0.01 * one + 3, 7 * other - 2))


@pytest.mark.parametrize("rule", ["rrf", "zscore"])
def test_photos_without_a_second_score_rank_last(rule: Any) -> None:
    fused = Fusion(rule, 1.0).fuse([0.1, 0.2, 0.3], [0.5, np.nan, 0.4])
    assert np.isfinite(fused).all()
    assert np.argmin(fused) == 1 if rule == "rrf" else fused[1] == fused.min()
    alone = Fusion(rule).fuse([0.3, 0.2, 0.1], [np.nan] * 3)
    assert np.argsort(-alone).tolist() == [0, 1, 2]


@pytest.mark.parametrize("rule", ["rrf", "zscore"])
def test_a_batch_of_queries_is_fused_like_single_queries(rule: Any) -> None:
    one, other = np.random.default_rng(2).normal(size=(2, 4, 30))
    other[0, 3] = np.nan
    together = Fusion(rule, 0.3).fuse(one, other)
    for row in range(4):
        np.testing.assert_allclose(together[row], Fusion(rule, 0.3).fuse(one[row], other[row]))


@pytest.mark.parametrize("rule", ["rrf", "zscore"])
def test_equal_scores_and_a_single_photo_are_valid(rule: Any) -> None:
    assert np.isfinite(Fusion(rule).fuse([0.5, 0.5], [0.1, 0.1])).all()
    assert np.isfinite(Fusion(rule).fuse([0.5], [0.1])).all()
    assert Fusion(rule).fuse([], []).shape == (0,)


@pytest.mark.parametrize(
    ("rule", "weight", "message"),
    [
        ("mean", 0.5, "zscore, rrf, found 'mean'"),
        ("rrf", 1.1, "0 to 1, found 1.1"),
        ("rrf", True, "found True"),
        ("rrf", float("nan"), "found nan"),
        ("rrf", "0.5", "found '0.5'"),
    ],
)
def test_an_invalid_rule_or_weight_is_rejected(rule: Any, weight: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        Fusion(rule, weight)
