"""Short queries from captions, and the photos that they match."""

from __future__ import annotations

import numpy as np
import pytest

from photoseek.bundle.calibration import Calibration, LogisticCurve
from photoseek.captions import Caption
from photoseek.evaluation.calibration_fit import BestHits, equivalent_photos, fit_curves, phrase_hits
from photoseek.evaluation.caption_phrases import extract_phrases
from photoseek.evaluation.evaluate import EncodedSplit
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


def test_phrases_are_distinct_and_counted() -> None:
    found = extract_phrases(CAPTIONS, NAMES, (2,))
    counts = dict(zip(found.texts, found.counts.tolist(), strict=True))
    assert len(counts) == len(found.texts)
    assert (counts["a dog"], counts["a child"]) == (2, 1)
    assert found.image_rows[found.texts.index("a dog")] == 0


def test_a_phrase_counts_by_the_square_root_of_its_frequency() -> None:
    """As if it were among the phrases that many times."""
    images, texts, relevant = phrase_world(0.5)
    again = np.repeat(np.arange(200), np.where(np.arange(200) % 3, 1, 2))
    expected = fitted(images, texts[again], relevant[again])
    hits = phrase_hits(images, texts, relevant, 2, np.where(np.arange(200) % 3, 1, 4))
    found = fit_curves([hits], hits, len(images)).by_length[0]
    assert (found.slope, found.intercept) == pytest.approx((expected.slope, expected.intercept), abs=1e-3)


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


def fitted(images: Vectors, texts: Vectors, relevant: np.ndarray) -> LogisticCurve:
    """The curve of phrases of two words, with captions whose curve has a slope of about 30."""
    cosines = np.linspace(0, 1, 200)
    correct = cosines + np.random.default_rng(0).normal(0, 0.05, 200) > 0.5
    captions = BestHits(None, cosines, correct, np.ones(200, int), 100)
    phrases = phrase_hits(images, texts, relevant, 2, np.ones(len(texts), int))
    return fit_curves([phrases], captions, len(images)).by_length[0]


def test_confidence_of_short_queries_equals_the_share_of_correct_hits() -> None:
    images, texts, relevant = phrase_world(0.12)
    curve = fitted(images, texts, relevant)
    sure = Calibration(1.0, 0.0, 0.0, 1, 1, (curve,)).curve_for(2)
    scores = texts @ images.T
    assert np.median(sure.probability(scores.max(axis=1))) > 0.9
    assert np.median(sure.probability(np.where(relevant, -1, scores).max(axis=1))) < 0.1
    assert np.mean(scores.max(axis=1) < curve.min_similarity) == pytest.approx(0.15, abs=0.01)


def test_wrong_best_hits_do_not_lower_the_threshold() -> None:
    """Half of the phrases name things that the text tower does not know: their best hits are arbitrary."""
    images, texts, relevant = phrase_world(0.12)
    known = fitted(images, texts, relevant)
    unknown = normalize(np.random.default_rng(4).normal(size=texts.shape))
    both = fitted(images, np.concatenate([texts, unknown]), np.concatenate([relevant, relevant]))
    assert both.min_similarity == pytest.approx(known.min_similarity, abs=0.02)
    assert np.mean((unknown @ images.T).max(axis=1) < both.min_similarity) > 0.9


def test_no_curve_is_flat_or_falling() -> None:
    """Photos far from a phrase match it: the curve rises by the smallest slope, and is right on average."""
    images, texts, relevant = phrase_world(0.12)
    curve = fitted(images, -texts, relevant)
    assert 1 < curve.slope < 10
    scores = -texts @ images.T
    cosines = np.concatenate([scores.max(axis=1), np.where(relevant, -np.inf, scores).max(axis=1)])
    expected = relevant[np.arange(200), scores.argmax(axis=1)].sum() / 400
    predicted = Calibration(curve.slope, curve.intercept, 0.0, 1, 1).probability(cosines)
    assert predicted.mean() == pytest.approx(expected, abs=0.01)


def test_long_phrases_match_photos_with_an_equivalent_caption() -> None:
    """The third photo shows the same as the first; no caption of it has the words of the phrase."""
    dog, cat, dogs = np.eye(3, dtype=np.float32)[[0, 1, 0]] + np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0.1]], np.float32)
    names = ["dog.jpg", "cat.jpg", "dogs.jpg"]
    captions = [Caption(name, number, "text") for name in names for number in range(2)]
    texts = normalize(np.stack([dog, dog + 0.2 * cat, cat, cat + 0.2 * dog, dogs, dogs + cat]))
    encoded = EncodedSplit(names, captions, normalize(np.stack([dog, cat, dogs])), texts, "fp32")
    found = equivalent_photos(normalize(np.stack([dog, cat])), np.array([0, 1]), encoded)
    assert found.tolist() == [[True, False, True], [False, True, False]]


def test_the_curve_depends_on_the_length_of_the_query() -> None:
    curves = LogisticCurve(2, 3.0, 4.0, 0.1, 9, 0.5), LogisticCurve(5, 5.0, 6.0, 0.2, 9)
    found = Calibration(1.0, 2.0, 0.3, 9, 9, curves)
    floors = [found.curve_for(words).min_similarity for words in (0, 2, 2.1, 5, 6, 40)]
    assert floors == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    assert found.curve_for(3).slope == 5.0
    assert [found.curve_for(words).probability(9.0).round(3) for words in (2, 5)] == [0.5, 1.0]
    assert Calibration.from_json(found.to_json()) == found
    assert Calibration.from_json({**found.to_json(), "by_length": []}) == Calibration(1.0, 2.0, 0.3, 9, 9)
