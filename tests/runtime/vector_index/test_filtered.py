"""Filtered search equals a loop over exact scores, or has the recall of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installed import INSTALLED, needs_annoy
from photoseek.vector_index import annoy, exact, faiss
from photoseek.vector_index.annoy import AnnoyParameters
from photoseek.vector_index.base import Matches
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.faiss import HnswParameters
from photoseek.vector_index.filtered import FilteredIndex
from photoseek.vector_index.registry import ANNOY_FILE, FAISS_FILE, index_file, open_index
from photoseek.vector_index.tuning import EngineStats, Tuning
from photoseek.vectors import Mask, Vectors, normalize
from vector_gallery import clustered

COUNT, DIM = 2_000, 16
SHARES = (0.0, 0.01, 0.2, 0.5, 0.9, 1.0)


def matching(mask: Mask) -> Matches:
    return lambda rows: mask[rows]


def loop(vectors: Vectors, query: Vectors, k: int, mask: Mask) -> list[tuple[int, float]]:
    """Return rows and scores of the best, by a loop over all vectors."""
    scores = [(row, score) for row, score in enumerate((vectors @ query).tolist()) if mask[row]]
    return sorted(scores, key=lambda each: (-each[1], each[0]))[:k]


def expect_equal(found: tuple[np.ndarray, Vectors], expected: Sequence[tuple[int, float]]) -> None:
    assert found[0].tolist() == [row for row, _ in expected]
    np.testing.assert_allclose(found[1], [score for _, score in expected], atol=1e-6)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 60), k=st.integers(1, 70), share=st.sampled_from(SHARES))
def test_exact_search_of_matching_vectors_equals_a_loop(seed: int, count: int, k: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = np.eye(4, dtype=np.float32)[rng.integers(4, size=count)]  # exact scores, many of them equal
    mask, query = rng.random(count) < share, vectors[rng.integers(count)]
    found = ExactIndex(vectors, block=int(rng.integers(1, 20))).search(query, k, matching(mask))
    expect_equal(found, loop(vectors, query, k, mask))


def test_scattered_vectors_are_copied_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "_COPIED", 7)
    vectors, mask = clustered(COUNT, DIM), np.random.default_rng(0).random(COUNT) < 0.1
    expect_equal(ExactIndex(vectors).search(vectors[5], 20, matching(mask)), loop(vectors, vectors[5], 20, mask))


PARAMETERS: dict[str, AnnoyParameters | HnswParameters] = {
    "annoy": AnnoyParameters(trees=20, search_k=2_000),
    "faiss-hnsw": HnswParameters(ef_search=64),
}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Vectors, Tuning]:
    """Indexes in a folder, their vectors, and times with which scans take long."""
    folder, vectors = tmp_path_factory.mktemp("engines"), clustered(COUNT, DIM)
    if "annoy" in INSTALLED:
        annoy.build(vectors, folder / ANNOY_FILE, AnnoyParameters(trees=20))
    if "faiss-hnsw" in INSTALLED:
        faiss.build(vectors, folder / FAISS_FILE, HnswParameters())
    engines = {}
    for name in INSTALLED:
        parameters = asdict(PARAMETERS[name]) if name in PARAMETERS else {}
        engines[name] = EngineStats(1.0 if parameters else 1000.0, {"photo": 1.0}, parameters)
    return folder, vectors, Tuning(0.99, engines)


def filtered(tuned: tuple[Path, Vectors, Tuning], engine: str) -> FilteredIndex:
    folder, vectors, tuning = tuned
    file = index_file(engine)
    parameters = tuning.engines[engine].parameters
    return FilteredIndex(open_index(engine, vectors, folder / file if file else None, parameters), vectors, tuning)


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("share", SHARES)
def test_every_engine_finds_matching_vectors_with_its_recall(
    tuned: tuple[Path, Vectors, Tuning], engine: str, share: float
) -> None:
    index, vectors, rng = filtered(tuned, engine), tuned[1], np.random.default_rng(1)
    mask, hits, wanted = rng.random(COUNT) < share, 0, 0
    for query in normalize(vectors[:10] + 0.1 * rng.normal(size=(10, DIM))):
        for k in (1, 10, 40):
            expected = loop(vectors, query, k, mask)
            rows, scores = index.search(query, k, matching(mask))
            assert mask[rows].all()
            assert len(rows) == len(expected)
            np.testing.assert_allclose(scores, vectors[rows] @ query, atol=1e-6)
            hits, wanted = hits + len({*rows.tolist()} & {row for row, _ in expected}), wanted + len(expected)
            if engine in ("exact", "faiss-flat"):
                expect_equal((rows, scores), expected)
    assert hits >= 0.98 * wanted


@pytest.mark.parametrize("engine", INSTALLED)
def test_matching_vectors_far_from_the_query_are_found(tuned: tuple[Path, Vectors, Tuning], engine: str) -> None:
    """Few of the best results match, although half of all vectors do."""
    index, vectors = filtered(tuned, engine), tuned[1]
    query = vectors[0]
    scores = vectors @ query
    mask = scores < np.median(scores)
    rows, _ = index.search(query, 10, matching(mask))
    assert len({*rows.tolist()} & {row for row, _ in loop(vectors, query, 10, mask)}) >= 9


@needs_annoy
def test_a_filter_that_keeps_much_is_applied_to_the_results_of_the_engine(
    tuned: tuple[Path, Vectors, Tuning],
) -> None:
    seen: list[int] = []

    def most(rows: np.ndarray | slice) -> Mask:
        found = np.arange(COUNT)[rows] % 10 > 0
        seen.append(len(found))
        return found

    filtered(tuned, "annoy").search(tuned[1][3], 10, most)
    assert sum(seen) < COUNT
    seen.clear()
    filtered(tuned, "exact").search(tuned[1][3], 10, most)
    assert sum(seen) >= COUNT
