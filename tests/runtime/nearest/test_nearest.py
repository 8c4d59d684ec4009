"""Exact search equals sorting; Annoy's answers carry a recall that was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoseek.errors import GalleryDamaged
from photoseek.nearest import tuning
from photoseek.nearest.annoy import AnnoyParameters, AnnoySearch, build
from photoseek.nearest.exact import ExactSearch
from photoseek.nearest.tuning import TARGET_RECALL, Search, Tuning, sample_queries, tune
from photoseek.vectors import Vectors, normalise


def random_vectors(count: int, dim: int = 32, seed: int = 0) -> Vectors:
    return normalise(np.random.default_rng(seed).normal(size=(count, dim)))


def measure_recall(engine: Search, vectors: Vectors, queries: Vectors) -> float:
    recalls, _ = tuning._Truth.of(vectors, {"these": queries}).measure(engine)
    return recalls["these"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 70))
def test_exact_search_equals_a_stable_sort_of_all_scores(seed: int, count: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    # few directions, so that many scores tie
    vectors = normalise(rng.integers(1, 4, size=(count, 2)))
    query = vectors[rng.integers(count)]
    rows, scores = ExactSearch(vectors).search(query, k)
    expected = np.argsort(-(vectors @ query), kind="stable")[:k]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(scores, (vectors @ query)[expected])


def test_annoy_finds_what_exact_search_finds_once_it_looks_at_everything(tmp_path: Path) -> None:
    vectors = random_vectors(500)
    parameters = AnnoyParameters(trees=10, search_k=500 * 10)
    build(vectors, tmp_path / "index.ann", parameters)
    annoy, exact = AnnoySearch(tmp_path / "index.ann", vectors, parameters), ExactSearch(vectors)
    for query in random_vectors(20, seed=1):
        found, expected = annoy.search(query, 10), exact.search(query, 10)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


def test_any_count_may_be_asked_of_any_engine(tmp_path: Path) -> None:
    vectors = random_vectors(20)
    build(vectors, tmp_path / "index.ann", AnnoyParameters())
    for engine in (ExactSearch(vectors), AnnoySearch(tmp_path / "index.ann", vectors, AnnoyParameters())):
        assert sorted(engine.search(vectors[0], 10**12)[0]) == list(range(20))


def test_the_same_vectors_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(random_vectors(300), tmp_path / name, AnnoyParameters())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_recall_is_the_share_of_the_true_best_that_was_found() -> None:
    vectors = random_vectors(100)

    class Half:
        name = "half"

        def search(self, query: Vectors, k: int) -> tuple[np.ndarray, Vectors]:
            rows, scores = ExactSearch(vectors).search(query, k)
            return rows[: k // 2], scores[: k // 2]

    queries = sample_queries(vectors)["photo"]
    assert measure_recall(ExactSearch(vectors), vectors, queries) == 1.0
    assert measure_recall(Half(), vectors, queries) == 0.5


def test_tuning_looks_further_until_every_kind_of_query_fares_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_HOPELESS", np.inf)  # of so few vectors exact search is always faster
    vectors = random_vectors(3000, dim=64)  # random directions are the hardest case
    poor = AnnoyParameters(trees=25, search_k=500)
    build(vectors, tmp_path / "poor.ann", poor)
    queries = sample_queries(vectors, random_vectors(40, dim=64, seed=9))
    before = measure_recall(AnnoySearch(tmp_path / "poor.ann", vectors, poor), vectors, queries["text"])
    found = tune(tmp_path / "index.ann", vectors, queries)
    assert before < 0.9
    assert set(found.recalls) == {"photo", "text"}
    assert found.recall == min(found.recalls.values()) >= TARGET_RECALL
    assert found.annoy.search_k > poor.search_k
    annoy = AnnoySearch(tmp_path / "index.ann", vectors, found.annoy)
    assert measure_recall(annoy, vectors, queries["text"]) == found.recalls["text"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.ann", "poor.ann"]


def test_a_lower_target_is_reached_with_less_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_HOPELESS", np.inf)
    vectors = random_vectors(3000, dim=64)
    queries = {"text": random_vectors(50, dim=64, seed=9)}
    little, much = (tune(tmp_path / str(target), vectors, queries, target) for target in (0.6, 0.99))
    assert 0.6 <= little.recall < 0.99 <= much.recall
    assert little.annoy.search_k < much.annoy.search_k


@pytest.mark.parametrize(
    ("recall", "annoy_ms", "fastest"), [(0.99, 1.0, "annoy"), (0.989, 1.0, "exact"), (1.0, 2.1, "exact")]
)
def test_the_fastest_engine_is_the_sooner_one_that_reaches_the_target(
    recall: float, annoy_ms: float, fastest: str
) -> None:
    assert Tuning(AnnoyParameters(), {"text": recall, "photo": 1.0}, annoy_ms, 2.0, 0.99).fastest == fastest


def test_one_vector_and_opposite_vectors_can_be_tuned(tmp_path: Path) -> None:
    for name, vectors in {"one": normalise([[1.0, 0.0]]), "opposite": normalise([[1.0, 0.0], [-1.0, 0.0]])}.items():
        assert tune(tmp_path / name, vectors, sample_queries(vectors, vectors)).recall == 1.0


def test_queries_by_text_lie_among_texts() -> None:
    vectors, texts = random_vectors(1000), random_vectors(30, seed=5)
    queries = sample_queries(vectors, texts)
    assert {kind: len(rows) for kind, rows in queries.items()} == {"photo": 200, "text": 200}
    np.testing.assert_array_equal(queries["text"][:30], texts)
    np.testing.assert_allclose(np.linalg.norm(queries["text"], axis=1), 1, atol=1e-6)
    assert {tuple(row) for row in queries["photo"].tolist()} <= {tuple(row) for row in vectors.tolist()}


def test_blocks_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # whole numbers, whose products are exact however BLAS adds them up; many scores tie across blocks
    vectors = np.random.default_rng(0).integers(1, 5, size=(1000, 3)).astype(np.float32)
    whole = [ExactSearch(vectors).search(query, 50) for query in vectors[:20]]
    monkeypatch.setattr("photoseek.nearest.exact._BLOCK", 37)
    for query, expected in zip(vectors[:20], whole, strict=True):
        rows, scores = ExactSearch(vectors).search(query, 50)
        np.testing.assert_array_equal(scores, expected[1])
        np.testing.assert_array_equal(rows, expected[0])


def test_trees_over_other_vectors_are_refused(tmp_path: Path) -> None:
    build(random_vectors(30), tmp_path / "index.ann", AnnoyParameters())
    with pytest.raises(GalleryDamaged, match="expected 29 items, found 30"):
        AnnoySearch(tmp_path / "index.ann", random_vectors(29), AnnoyParameters())
