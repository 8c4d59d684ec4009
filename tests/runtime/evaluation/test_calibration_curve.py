"""Confidence is a logistic curve of most likelihood over the cosines of best hits."""

from __future__ import annotations

import numpy as np
import pytest

from photoseek.bundle.calibration import Calibration
from photoseek.errors import BundleDamaged, EvaluationError
from photoseek.evaluation.calibration_fit import _platt, calibrate
from photoseek.vectors import Vectors, normalize


def world(noise: float, photos: int = 200, seed: int = 0) -> tuple[Vectors, Vectors, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = normalize(rng.normal(size=(photos, 64)))
    own = np.repeat(np.arange(photos), 3)
    return images, normalize(images[own] + noise * rng.normal(size=(len(own), 64))), own


def test_the_curve_is_that_of_most_likelihood() -> None:
    """Against a search over a grid of all slopes and intercepts, with Platt's targets."""
    rng = np.random.default_rng(1)
    cosines = rng.uniform(0, 1, 300)
    labels = rng.uniform(size=300) < 1 / (1 + np.exp(-(8 * cosines - 4)))
    slope, intercept = _platt(cosines, labels)
    positives = labels.sum()
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (300 - positives + 2))

    def cost(slope: float, intercept: float) -> float:
        logits = slope * cosines + intercept
        return float(np.sum(np.logaddexp(0, logits) - targets * logits))

    grid = [
        cost(s, i) for s in np.linspace(slope - 2, slope + 2, 41) for i in np.linspace(intercept - 2, intercept + 2, 41)
    ]
    assert cost(slope, intercept) <= min(grid) + 1e-9


def test_confidence_is_as_often_right_as_it_says() -> None:
    """Fitted on one world, asked in another of the same kind: half of the queries have their photo left out."""
    images, texts, own = world(0.25)
    found = calibrate(images, texts[::3], own[::3])  # a caption a photo: no other photo says the same
    images, texts, own = world(0.25, seed=7)
    scores = texts @ images.T
    rows = np.arange(len(texts))
    right = scores.argmax(axis=1) == own
    best = scores.max(axis=1)
    scores[rows, own] = -1
    confidence = found.probability(np.concatenate([best, scores.max(axis=1)]))
    truth = np.concatenate([right, np.zeros(len(texts), dtype=bool)])
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        chosen = (confidence >= low) & (confidence <= high)
        assert chosen.sum() > 20
        assert truth[chosen].mean() == pytest.approx(confidence[chosen].mean(), abs=0.12)


def test_what_nobody_took_has_less_confidence_than_what_is_there() -> None:
    images, texts, own = world(0.1)
    found = calibrate(images, texts, own)
    there = found.probability((texts * images[own]).sum(axis=1))
    elsewhere = found.probability((normalize(np.random.default_rng(5).normal(size=(300, 64))) @ images.T).max(axis=1))
    assert np.median(there) > 0.9
    assert np.median(elsewhere) < 0.3


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_model_without_a_mistake_still_gives_a_curve(noise: float) -> None:
    found = calibrate(*world(noise))
    assert np.isfinite([found.slope, found.intercept]).all()
    assert 0 <= found.probability(-1) < 0.5 < found.probability(1) <= 1


def test_it_needs_two_photos_and_a_caption() -> None:
    images, texts, own = world(0.3, photos=1)
    with pytest.raises(EvaluationError, match="expected at least 2 photos and a caption, found 1 and 3"):
        calibrate(images, texts, own)


def test_a_photo_whose_caption_says_the_same_is_a_right_answer() -> None:
    """Each photo was taken twice: half of the best hits are the other shot."""
    images, texts, own = world(0.05)
    twice, captions = np.concatenate([images, images]), np.concatenate([texts, texts[::-1]])
    owners = np.concatenate([own, own[::-1] + len(images)])
    found = calibrate(twice, captions, owners)
    assert found.probability((captions * twice[owners]).sum(axis=1)).min() > 0.8  # with or without its own photo


def test_captions_that_stand_alone_are_measured_by_their_own_photo() -> None:
    images, texts, own = world(0.1)
    once = calibrate(images, texts[::3], own[::3])
    assert once.captions == 200
    assert once.probability(0.99) > 0.9


def test_the_floor_is_what_nineteen_of_twenty_best_hits_reach() -> None:
    images, texts, own = world(0.2)
    best = (texts @ images.T).max(axis=1)
    assert (best >= calibrate(images, texts, own).min_similarity).mean() == pytest.approx(0.95, abs=0.005)


def test_it_goes_through_the_manifest_and_back() -> None:
    found = Calibration(12.5, -3.25, 0.2, 100, 500)
    assert Calibration.from_json(found.to_json()) == found
    assert Calibration.from_json(None) is None
    for broken in ({}, {**found.to_json(), "slope": "steep"}, {**found.to_json(), "intercept": float("nan")}):
        with pytest.raises(BundleDamaged, match="expected the numbers of a curve"):
            Calibration.from_json(broken)
