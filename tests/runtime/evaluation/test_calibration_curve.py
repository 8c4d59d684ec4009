"""Confidence is a logistic curve of maximum likelihood over the cosines of best hits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from photoseek.bundle.calibration import Calibration
from photoseek.errors import BundleDamaged, EvaluationError
from photoseek.evaluation.calibration_fit import BestHits, caption_hits, fit_curves
from photoseek.vectors import Vectors, normalize


def world(noise: float, photos: int = 200, seed: int = 0) -> tuple[Vectors, Vectors, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = normalize(rng.normal(size=(photos, 64)))
    image_of_text = np.repeat(np.arange(photos), 3)
    return images, normalize(images[image_of_text] + noise * rng.normal(size=(len(image_of_text), 64))), image_of_text


def calibrate(images: Vectors, texts: Vectors, image_of_text: np.ndarray) -> Calibration:
    captions = [f"caption {row}" for row in range(len(texts))]
    return fit_curves([], caption_hits(images, texts, image_of_text, captions), len(images))


def test_confidence_equals_the_share_of_correct_hits() -> None:
    """Fit on one sample and test on another: half of the queries have their photo removed."""
    images, texts, image_of_text = world(0.25)
    found = calibrate(
        images, texts[::3], image_of_text[::3]
    )  # one caption per photo: no other photo has an equivalent one
    images, texts, image_of_text = world(0.25, seed=7)
    scores = texts @ images.T
    rows = np.arange(len(texts))
    right = scores.argmax(axis=1) == image_of_text
    best = scores.max(axis=1)
    scores[rows, image_of_text] = -1
    confidence = found.probability(np.concatenate([best, scores.max(axis=1)]))
    truth = np.concatenate([right, np.zeros(len(texts), dtype=bool)])
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        chosen = (confidence >= low) & (confidence <= high)
        assert chosen.sum() > 20
        assert truth[chosen].mean() == pytest.approx(confidence[chosen].mean(), abs=0.12)


def test_equal_captions_are_one_query_with_the_square_root_of_their_number() -> None:
    """Three of four captions are equal, of two photos: the first is the query, and either photo is a correct hit."""
    images, texts, _ = world(0.25, photos=3)
    equal, other = images[:1] + images[1:2] / 2, texts[8:]
    hits = caption_hits(images, np.concatenate([equal, other, equal, equal]), [0, 2, 1, 1], ["a", "b", "a", "a"])
    assert hits.queries == 2
    assert hits.counts.tolist() == [3, 1, 3, 1]
    np.testing.assert_allclose(hits.weights, [3**0.5, 1, 3**0.5, 1])
    best = images[:2] @ equal[0]
    np.testing.assert_allclose(hits.cosines[[0, 2]], best, rtol=1e-5)
    assert hits.correct[[0, 2]].tolist() == [True, True]


def test_missing_photos_have_lower_confidence_than_present_ones() -> None:
    images, texts, image_of_text = world(0.1)
    found = calibrate(images, texts, image_of_text)
    there = found.probability((texts * images[image_of_text]).sum(axis=1))
    elsewhere = found.probability((normalize(np.random.default_rng(5).normal(size=(300, 64))) @ images.T).max(axis=1))
    assert np.median(there) > 0.9
    assert np.median(elsewhere) < 0.3


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_perfect_model_has_a_curve(noise: float) -> None:
    found = calibrate(*world(noise))
    assert np.isfinite([found.slope, found.intercept]).all()
    assert 0 <= found.probability(-1) < 0.5 < found.probability(1) <= 1


def test_calibration_requires_two_photos_and_a_caption() -> None:
    images, texts, image_of_text = world(0.3, photos=1)
    with pytest.raises(EvaluationError, match="expected at least 2 photos and a caption, found 1 and 3"):
        calibrate(images, texts, image_of_text)


def test_a_photo_with_an_equivalent_caption_is_a_correct_hit() -> None:
    """Each photo exists twice: half of the best hits are the other one."""
    images, texts, image_of_text = world(0.05)
    twice, captions = np.concatenate([images, images]), np.concatenate([texts, texts[::-1]])
    owners = np.concatenate([image_of_text, image_of_text[::-1] + len(images)])
    found = calibrate(twice, captions, owners)
    assert (
        found.probability((captions * twice[owners]).sum(axis=1)).min() > 0.8
    )  # with or without its image_of_text photo


def test_single_captions_match_only_their_photo() -> None:
    images, texts, image_of_text = world(0.1)
    once = calibrate(images, texts[::3], image_of_text[::3])
    assert once.captions == 200
    assert once.probability(0.99) > 0.9


def test_nineteen_of_twenty_best_hits_reach_the_floor() -> None:
    images, texts, image_of_text = world(0.2)
    best = (texts @ images.T).max(axis=1)
    assert (best >= calibrate(images, texts, image_of_text).min_similarity).mean() == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize(("words", "doubted"), [(1, 0.15), (2, 0.15), (5, 0.05), (8, 0.05)])
def test_the_shortest_phrases_are_doubted_most(words: int, doubted: float) -> None:
    cosines, ones = np.linspace(0.2, 0.8, 1000), np.ones(1000, int)
    hits = BestHits(words, cosines, np.ones(1000, bool), ones, 1000)
    curve = fit_curves([hits], replace(hits, max_words=None), photos=1000).by_length[0]
    assert (cosines < curve.min_similarity).mean() == pytest.approx(doubted, abs=0.002)


def test_a_calibration_survives_the_manifest() -> None:
    found = Calibration(12.5, -3.25, 0.2, 100, 500, ceiling=0.75)
    assert Calibration.from_json(found.to_json()) == found
    assert Calibration.from_json(None) is None
    for changed in (
        {"slope": "steep"},
        {"slope": 10**400},
        {"intercept": float("nan")},
        {"ceiling": 1.5},
        {"ceiling": float("nan")},
    ):
        with pytest.raises(BundleDamaged, match="expected the numbers of a curve"):
            Calibration.from_json({**found.to_json(), **changed})
    with pytest.raises(BundleDamaged, match="expected the numbers of a curve"):
        Calibration.from_json({})
