"""Folds, samples and languages: cases worked by hand, and what is rejected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from photoseek.captions import Caption
from photoseek.errors import EvaluationError
from photoseek.evaluation.metrics import retrieval_metrics
from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import evaluate_vectors
from photoseek.vectors import normalize

NAMES = ["a", "b", "c", "d"]
QUICK = EvaluationProtocol(resamples=0)
# Images along four axes. The first image's caption is right; that of b looks like c, and that of c like b; d is right.
IMAGES = np.eye(4, dtype=np.float32)
TEXTS = normalize([[1, 0, 0, 0], [0, 0.1, 1, 0], [0, 1, 0.1, 0], [0, 0, 0, 1]])
CAPTIONS = [Caption(name, 0, "something") for name in NAMES]


def test_folds_are_searched_separately_and_averaged() -> None:
    """Over all four, b and c are confused; in two folds of two, they never meet."""
    found = evaluate_vectors(IMAGES, TEXTS, NAMES, CAPTIONS, replace(QUICK, folds=2))
    assert found.metrics.text_to_image.r1 == 50.0
    assert found.metrics.text_to_image.meanr == 1.5
    folds = found.overall.folds
    assert folds is not None
    assert (folds.metrics.images, folds.metrics.captions, len(folds.each)) == (2, 2, 2)
    assert folds.metrics.text_to_image.r1 == 100.0
    assert folds.metrics.text_to_image.meanr == 1.0
    result = found.to_json()["folds"]
    assert (result["count"], result["images"], result["rsum"], result["rsums"]) == (2, 2, 600.0, [600.0, 600.0])


def test_the_mean_over_folds_is_that_of_separate_evaluations() -> None:
    rng = np.random.default_rng(0)
    images, texts = normalize(rng.normal(size=(15, 4))), normalize(rng.normal(size=(30, 4)))
    names = [str(row) for row in range(15)]
    owner = np.repeat(np.arange(15), 2)
    captions = [Caption(str(image), index % 2, "x") for index, image in enumerate(owner)]
    found = evaluate_vectors(images, texts, names, captions, EvaluationProtocol(folds=3, fold_size=4, resamples=20))
    alone = [
        retrieval_metrics(images[start : start + 4], texts[2 * start : 2 * start + 8], np.repeat(np.arange(4), 2))
        for start in (0, 4, 8)
    ]
    folds = found.overall.folds
    assert folds is not None
    assert folds.each == tuple(alone)
    assert folds.metrics.rsum == pytest.approx(np.mean([one.rsum for one in alone]))
    assert folds.metrics.image_to_text.medr == pytest.approx(np.mean([one.image_to_text.medr for one in alone]))
    assert folds.interval is not None
    assert folds.interval.rsum[0] < folds.metrics.rsum < folds.interval.rsum[1]


def test_each_language_is_evaluated_with_its_captions_and_images() -> None:
    captions = [
        Caption("a", 0, "a red ball"),
        Caption("b", 0, "a blue ball"),
        Caption("a", 0, "\u7ea2\u8272\u7684\u7403"),  # as wrong as can be
        Caption("c", 0, "\u7eff\u8272\u7684\u7403"),
    ]
    texts = IMAGES[[0, 1, 2, 2]]
    found = evaluate_vectors(IMAGES[:3], texts, NAMES[:3], captions, QUICK)
    result = found.to_json()
    assert list(result["languages"]) == ["en", "zh"]
    assert result["languages"]["en"]["rsum"] == 600.0
    assert (result["languages"]["zh"]["images"], result["languages"]["zh"]["captions"]) == (2, 2)
    # among a and c, both Chinese captions look like c, and a finds neither before c's
    assert result["languages"]["zh"]["text_to_image"]["r1"] == 50.0
    assert result["text_to_image"]["r1"] == 75.0
    assert "precision" not in result["languages"]["en"]


def test_a_single_language_has_no_separate_result() -> None:
    result = evaluate_vectors(IMAGES, TEXTS, NAMES, CAPTIONS, EvaluationProtocol(resamples=10)).to_json()
    assert sorted(result) == sorted(
        ["text_to_image", "image_to_text", "rsum", "images", "captions", "interval", "precision"]
    )


def test_a_language_with_too_few_images_for_the_folds_has_none() -> None:
    captions = [*CAPTIONS, Caption("a", 1, "\u7403")]
    found = evaluate_vectors(IMAGES, np.concatenate([TEXTS, TEXTS[:1]]), NAMES, captions, replace(QUICK, folds=2))
    assert found.languages["en"].folds is not None
    assert found.languages["zh"].folds is None


def test_a_sample_is_the_first_images_and_a_language_leaves_out_images_without_it() -> None:
    captions = [*CAPTIONS, Caption("b", 1, "\u84dd\u7403"), Caption("d", 1, "\u7ea2\u7403")]
    assert EvaluationProtocol(sample=2).choose(NAMES, captions) == (["a", "b"], [captions[0], captions[1], captions[4]])
    assert EvaluationProtocol(language="zh").choose(NAMES, captions) == (["b", "d"], captions[4:])
    assert EvaluationProtocol(language="zh", sample=1).choose(NAMES, captions) == (["b"], [captions[4]])
    assert EvaluationProtocol().choose(NAMES, captions) == (NAMES, captions)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"sample": 5}, "a sample of at most 4 images, found 5"),
        ({"language": "fr"}, "captions in 'fr', found only: en"),
        ({"folds": 5}, "fit into 4 images, found 5 folds$"),
        ({"folds": 2, "fold_size": 3}, "fit into 4 images, found 2 folds of 3 images"),
        ({"fold_size": 3}, "without a number of folds"),
        ({"folds": 0}, "folds: expected at least 1, found 0"),
        ({"resamples": -1}, "resamples: expected at least 0, found -1"),
    ],
)
def test_protocols_that_need_more_images_are_rejected(rules: dict[str, Any], reason: str) -> None:
    with pytest.raises(EvaluationError, match=reason):
        fold_slices(rules)


def fold_slices(rules: dict[str, Any]) -> list[range]:
    protocol = EvaluationProtocol(**rules)
    return protocol.fold_slices(len(protocol.choose(NAMES, CAPTIONS)[0]))


def test_captions_without_a_script_have_no_language() -> None:
    captions = [Caption("a", 0, "a ball"), Caption("b", 0, "42"), Caption("c", 0, "?"), Caption("d", 0, "a tree")]
    assert evaluate_vectors(IMAGES, TEXTS, NAMES, captions, QUICK).languages == {}
