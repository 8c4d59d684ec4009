"""Short queries from captions, and the photos that they match."""

from __future__ import annotations

import numpy as np
import pytest

from photoseek.bundle.calibration import Calibration, LogisticCurve
from photoseek.captions import Caption
from photoseek.evaluation.calibration_fit import calibrate_by_length
from photoseek.evaluation.caption_phrases import extract_phrases
from photoseek.languages import words_in
from photoseek.vectors import Vectors, normalize

CAPTIONS = [
    Caption("one.jpg", 0, "A black dog runs in the snow ."),
    Caption("one.jpg", 1, "A dog plays outside ."),
    Caption("two.jpg", 0, "A child sleeps in a bed ."),
    Caption("three.jpg", 0, "A dog sleeps on the grass ."),
    Caption("four.jpg", 0, "A man in a car ."),
]
NAMES = ["one.jpg", "two.jpg", "three.jpg", "four.jpg"]


def test_phrases_are_both_ends_of_a_caption_without_single_articles() -> None:
    found = extract_phrases(CAPTIONS[:1] + CAPTIONS[2:], NAMES, (1, 2))
    assert {"snow", "the snow", "a black", "bed", "a child", "grass", "car"} <= set(found.texts)
    assert "a" not in found.texts


def test_a_phrase_matches_photos_whose_captions_have_all_its_words() -> None:
    """Words of more than half of the photos, such as articles, are ignored."""
    found = extract_phrases(CAPTIONS, NAMES, (2,))
    relevant = dict(zip(found.texts, found.relevant.tolist(), strict=True))
    assert relevant["a dog"] == [True, False, True, False]
    assert relevant["a child"] == [False, True, False, False]
    assert relevant["plays outside"] == [True, False, False, False]


def test_han_characters_are_two_thirds_of_a_word() -> None:
    captions = [Caption("one.jpg", 0, "一只黑狗在雪地里奔跑"), Caption("two.jpg", 0, "孩子在床上睡觉")]
    found = extract_phrases(captions, ["one.jpg", "two.jpg"], (2,))
    assert "一只黑" in found.texts
    assert "地里奔跑" not in found.texts
    assert "里奔跑" in found.texts
    assert words_in("一只黑狗") == pytest.approx(4 / 1.5)
    assert words_in("two dogs, 2 cats") == 3


def phrase_world(noise: float, seed: int = 3) -> tuple[Vectors, Vectors, np.ndarray]:
    """Twenty things, each on five of a hundred photos; ten phrases name each."""
    rng = np.random.default_rng(seed)
    things = normalize(rng.normal(size=(20, 32)))
    images = normalize(np.repeat(things, 5, axis=0) + noise * rng.normal(size=(100, 32)))
    texts = normalize(np.repeat(things, 10, axis=0) + noise * rng.normal(size=(200, 32)))
    return images, texts, np.repeat(np.repeat(np.eye(20, dtype=bool), 10, axis=0), 5, axis=1)


def test_confidence_of_short_queries_equals_the_share_of_correct_hits() -> None:
    images, texts, relevant = phrase_world(0.12)
    curve = calibrate_by_length(images, texts, relevant, words=2)
    sure = Calibration(1.0, 0.0, 0.0, 1, 1, (curve,)).curve_for(2)
    scores = texts @ images.T
    assert np.median(sure.probability(scores.max(axis=1))) > 0.9
    assert np.median(sure.probability(np.where(relevant, -1, scores).max(axis=1))) < 0.1
    assert np.mean(scores.max(axis=1) < curve.min_similarity) == pytest.approx(0.05, abs=0.01)


def test_wrong_best_hits_do_not_lower_the_threshold() -> None:
    """Half of the phrases name things that the text tower does not know: their best hits are arbitrary."""
    images, texts, relevant = phrase_world(0.12)
    known = calibrate_by_length(images, texts, relevant, words=2)
    unknown = normalize(np.random.default_rng(4).normal(size=texts.shape))
    both = calibrate_by_length(images, np.concatenate([texts, unknown]), np.concatenate([relevant, relevant]), words=2)
    assert both.min_similarity == pytest.approx(known.min_similarity, abs=0.02)
    assert np.mean((unknown @ images.T).max(axis=1) < both.min_similarity) > 0.9


def test_uninformative_cosines_give_the_mean_confidence() -> None:
    images, texts, relevant = phrase_world(0.12)
    curve = calibrate_by_length(images, -texts, relevant, words=2)
    assert curve.slope == 0
    best = relevant[np.arange(200), (-texts @ images.T).argmax(axis=1)]
    expected = best.sum() / 400
    assert 1 / (1 + np.exp(-curve.intercept)) == pytest.approx(expected, abs=0.01)


def test_the_curve_depends_on_the_length_of_the_query() -> None:
    found = Calibration(1.0, 2.0, 0.3, 9, 9, (LogisticCurve(2, 3.0, 4.0, 0.1, 9), LogisticCurve(5, 5.0, 6.0, 0.2, 9)))
    floors = [found.curve_for(words).min_similarity for words in (0, 2, 2.1, 5, 6, 40)]
    assert floors == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    assert found.curve_for(3).slope == 5.0
    assert Calibration.from_json(found.to_json()) == found
    assert Calibration.from_json({**found.to_json(), "by_length": []}) == Calibration(1.0, 2.0, 0.3, 9, 9)
