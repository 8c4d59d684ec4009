"""Recall@K, median and mean rank: a case worked by hand, and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoseek.evaluation.metrics import RetrievalMetrics, retrieval_metrics, retrieval_ranks
from photoseek.vectors import normalize


def test_a_case_worked_by_hand() -> None:
    # Images look along x, y, z. Captions: x (right), between y and z but nearer to y (right), y although of z (wrong).
    images = np.eye(3, dtype=np.float32)
    texts = normalize([[1, 0, 0], [0, 1, 0.9], [0, 1, 0.2]])
    metrics = retrieval_metrics(images, texts, [0, 1, 2])
    # text to image: ranks 0, 0, 1. image to text: x finds 0; y prefers caption 2 to its own 1: rank 1; z: 1 before 2.
    assert metrics.text_to_image.r1 == pytest.approx(200 / 3)
    assert metrics.text_to_image.r5 == 100.0
    assert metrics.text_to_image.medr == 1.0
    assert metrics.image_to_text.r1 == pytest.approx(100 / 3)
    assert metrics.image_to_text.medr == 2.0
    assert metrics.text_to_image.meanr == pytest.approx((1 + 1 + 2) / 3)
    assert metrics.image_to_text.meanr == pytest.approx((1 + 2 + 2) / 3)
    assert metrics.rsum == pytest.approx(200 / 3 + 200 + 100 / 3 + 200)
    assert (metrics.images, metrics.captions) == (3, 3)


def test_an_image_is_found_if_any_of_its_captions_is() -> None:
    images = np.eye(2, dtype=np.float32)
    texts = normalize([[1, 0], [0.1, 1], [0.2, 1], [0.3, 1]])  # image 0 has one good and one bad caption
    metrics = retrieval_metrics(images, texts, [0, 0, 1, 1])
    assert metrics.image_to_text.r1 == 50.0  # image 1 ranks the bad caption of image 0 first
    assert metrics.text_to_image.r1 == 75.0


def test_equal_scores_count_against_the_model() -> None:
    """A model that maps everything to one point finds nothing."""
    same = np.ones((20, 4), dtype=np.float32) / 2
    metrics = retrieval_metrics(same, same, np.arange(20))
    assert metrics.rsum == 0.0
    assert metrics.text_to_image.medr == 20.0


def test_json_has_the_documented_keys() -> None:
    eye = np.eye(4, dtype=np.float32)
    assert retrieval_metrics(eye, eye, range(4)).to_json() == {
        "text_to_image": {"r1": 100.0, "r5": 100.0, "r10": 100.0, "medr": 1.0, "meanr": 1.0},
        "image_to_text": {"r1": 100.0, "r5": 100.0, "r10": 100.0, "medr": 1.0, "meanr": 1.0},
        "rsum": 600.0,
        "images": 4,
        "captions": 4,
    }


@pytest.mark.parametrize(
    ("owner", "reason"),
    [([0, 1], "one image row per caption"), ([0, 1, 5], "must be in"), ([0, 0, 1], "image 2 has no caption")],
)
def test_mismatched_arguments_are_rejected(owner: list[int], reason: str) -> None:
    eye = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match=reason):
        retrieval_metrics(eye, eye, owner)


def test_non_finite_vectors_are_rejected() -> None:
    """Every comparison with NaN is false, so a broken model would seem to find everything."""
    eye = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match="vectors of texts contain NaN"):
        retrieval_metrics(eye, np.full_like(eye, np.nan), range(3))


def test_metrics_survive_a_json_round_trip() -> None:
    metrics = retrieval_metrics(np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32), range(4))
    assert RetrievalMetrics.from_json(metrics.to_json()) == metrics


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4))
def test_ranks_agree_with_a_plain_double_loop_even_where_scores_are_equal(
    seed: int, images: int, per_image: int, steps: int
) -> None:
    """Vectors of few integers, so that ties are common and scores exact."""
    rng = np.random.default_rng(seed)
    image_vectors = rng.integers(-steps, steps + 1, size=(images, 2)).astype(np.float32)
    texts = rng.integers(-steps, steps + 1, size=(images * per_image, 2)).astype(np.float32)
    owner = rng.permutation(np.repeat(np.arange(images), per_image))
    found = retrieval_ranks(image_vectors, texts, owner)
    scores = texts @ image_vectors.T
    for caption, own in enumerate(owner):
        better = [row for row in range(images) if row != own and scores[caption, row] >= scores[caption, own]]
        assert found.text_to_image[caption] == len(better)
    for image in range(images):
        best = max(scores[caption, image] for caption in range(len(texts)) if owner[caption] == image)
        others = [c for c in range(len(texts)) if owner[c] != image and scores[c, image] >= best]
        assert found.image_to_text[image] == len(others)
    assert RetrievalMetrics.of(found).text_to_image.meanr == pytest.approx(1 + sum(found.text_to_image) / len(texts))


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 5))
def test_agrees_with_sorting_every_list(seed: int, images: int, per_image: int) -> None:
    """The protocol of VSE++ as a loop: sort all scores and find the correct ones."""
    rng = np.random.default_rng(seed)
    image_vectors = normalize(rng.normal(size=(images, 8)))
    texts = normalize(rng.normal(size=(images * per_image, 8)))
    owner = rng.permutation(np.repeat(np.arange(images), per_image))
    found = retrieval_metrics(image_vectors, texts, owner)
    assert found.text_to_image.r1 == pytest.approx(by_sorting(texts @ image_vectors.T, [{o} for o in owner], 1))
    right = [set(np.flatnonzero(owner == image)) for image in range(images)]
    assert found.image_to_text.r5 == pytest.approx(by_sorting(image_vectors @ texts.T, right, 5))
    assert isinstance(found, RetrievalMetrics)


def by_sorting(scores: np.ndarray, right: list[set[int]], k: int) -> float:
    first = [set(np.argsort(-row)[:k]) for row in scores]
    return 100 * float(np.mean([bool(found & wanted) for found, wanted in zip(first, right, strict=True)]))
