"""Bootstrap intervals: against a loop that draws image by image, and on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from photoseek.evaluation.bootstrap import CONFIDENCE_LEVEL, Interval, resample
from photoseek.evaluation.metrics import RetrievalMetrics, RetrievalRanks


def ranks_of(seed: int, images: int) -> RetrievalRanks:
    """Return ranks of images with one to four captions, in random order."""
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.repeat(np.arange(images), rng.integers(1, 5, size=images)))
    return RetrievalRanks(rng.integers(0, 15, size=len(owner)), rng.integers(0, 15, size=images), owner)


def one_by_one(ranks: RetrievalRanks, resamples: int, seed: int) -> np.ndarray:
    """Resample by the definition: draw images, gather the ranks of their captions, measure."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(resamples):
        drawn = rng.integers(len(ranks.image_to_text), size=len(ranks.image_to_text))
        of_captions = np.concatenate([ranks.text_to_image[ranks.owner == image] for image in drawn])
        of_images = ranks.image_to_text[drawn]
        rows.append([100 * np.mean(found < k) for found in (of_captions, of_images) for k in (1, 5, 10)])
    return np.array(rows)


def test_vectorized_resampling_equals_a_loop_with_the_same_seed() -> None:
    ranks = ranks_of(3, images=17)
    expected = one_by_one(ranks, 40, seed=5)
    np.testing.assert_allclose(resample(ranks, 40, seed=5), expected)
    np.testing.assert_allclose(resample(ranks, 40, seed=5, max_draws=17 * 7), expected)  # in blocks of seven
    low, high = np.quantile(expected.sum(axis=1), [0.025, 0.975])
    assert Interval.of(expected, seed=5).rsum == pytest.approx((low, high))


def test_intervals_contain_the_recall_and_narrow_with_the_root_of_the_images() -> None:
    widths = []
    for images in (100, 1600):
        ranks = ranks_of(1, images)
        metrics, interval = RetrievalMetrics.of(ranks), Interval.of(resample(ranks, 1000), seed=0)
        for (low, high), value in zip(
            interval.text_to_image,
            (metrics.text_to_image.r1, metrics.text_to_image.r5, metrics.text_to_image.r10),
            strict=True,
        ):
            assert low <= value <= high
        assert interval.rsum[0] <= metrics.rsum <= interval.rsum[1]
        widths.append(interval.rsum[1] - interval.rsum[0])
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)


def test_an_interval_has_the_width_of_the_normal_distribution() -> None:
    """Half of 400 images found: the standard error is 2.5 points, and 95 % are within 1.96 of it."""
    found = np.tile([0, 20], 200)
    interval = Interval.of(resample(RetrievalRanks(found, found, np.arange(400)), 4000), seed=0)
    assert CONFIDENCE_LEVEL == 0.95
    assert interval.image_to_text[0] == pytest.approx((50 - 4.9, 50 + 4.9), abs=0.5)


def test_captions_of_an_image_are_drawn_together() -> None:
    """Five captions that always agree count as one: the interval is as wide as with one caption per image."""
    found = np.tile([0, 20], 100)
    alone = resample(RetrievalRanks(found, found, np.arange(200)), 300, seed=2)
    together = resample(RetrievalRanks(np.repeat(found, 5), found, np.repeat(np.arange(200), 5)), 300, seed=2)
    np.testing.assert_allclose(together, alone)


def test_json_describes_the_method() -> None:
    found = Interval.of(resample(ranks_of(0, 30), 50, seed=9), seed=9).to_json()
    assert (found["level"], found["resamples"], found["seed"]) == (0.95, 50, 9)
    assert found["method"] == "percentile bootstrap over images"
    assert list(found["text_to_image"]) == list(found["image_to_text"]) == ["r1", "r5", "r10"]
    low, high = found["rsum"]
    assert 0 <= low <= high <= 600
