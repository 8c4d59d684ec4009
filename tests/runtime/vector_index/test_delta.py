"""A base, less removed rows, plus added ones, is searched as one array of the vectors that remain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installed import INSTALLED
from photoseek.vector_index.delta import DeltaIndex, DeltaVectors
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.filtered import search_matching
from photoseek.vector_index.registry import index_file, open_index
from photoseek.vector_index.tuning import EngineStats, Tuning, sample_queries, tune
from photoseek.vectors import Vectors, normalize

numbers = st.integers(0, 2**32 - 1)


def directions(rng: np.random.Generator, count: int) -> Vectors:
    """Return unit vectors, (count, 4), whose products are exact, however a CPU's kernels order the sums."""
    return rng.choice(np.array([-0.5, 0.5], dtype=np.float32), size=(count, 4))


def draw(seed: int, base: int, added: int, share: float) -> tuple[DeltaVectors, Vectors]:
    """Return vectors of few directions, so that many scores tie, and the array that they equal."""
    rng = np.random.default_rng(seed)
    vectors = directions(rng, base + added)
    removed = np.flatnonzero(rng.random(base) < share)
    expected = np.concatenate([np.delete(vectors[:base], removed, axis=0), vectors[base:]])
    return DeltaVectors(vectors[:base], removed, vectors[base:]), expected


@given(numbers, st.integers(1, 40), st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.data())
def test_rows_equal_those_of_one_array(seed: int, base: int, added: int, share: float, data: st.DataObject) -> None:
    vectors, expected = draw(seed, base, added, share)
    assert (len(vectors), vectors.shape) == (len(expected), expected.shape)
    np.testing.assert_array_equal(np.asarray(vectors), expected)
    some = data.draw(st.slices(max(1, len(expected))))
    np.testing.assert_array_equal(vectors[some], expected[some])
    if len(expected):
        rows = np.array(data.draw(st.lists(st.integers(0, len(expected) - 1))), dtype=np.int64)
        np.testing.assert_array_equal(vectors[rows], expected[rows])
        mask = np.isin(np.arange(len(expected)), rows)
        np.testing.assert_array_equal(vectors[mask], expected[mask])
    np.testing.assert_array_equal(np.array(list(vectors)).reshape(-1, 4), expected)  # type: ignore[call-overload]
    with pytest.raises(IndexError):
        vectors[len(expected)]


@given(numbers, st.integers(1, 40), st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(1, 70))
def test_search_equals_a_stable_sort_of_all_scores(seed: int, base: int, added: int, share: float, k: int) -> None:
    vectors, expected = draw(seed, base, added, share)
    query = directions(np.random.default_rng(seed + 1), 1)[0]
    rows, scores = DeltaIndex(ExactIndex(vectors.base), vectors).search(query, k)
    np.testing.assert_array_equal(rows, np.argsort(-(expected @ query), kind="stable")[:k])
    np.testing.assert_array_equal(scores, (expected @ query)[rows])


@given(numbers, st.integers(1, 40), st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(1, 70))
def test_filtered_search_equals_a_stable_sort_of_the_scores_that_match(
    seed: int, base: int, added: int, share: float, k: int
) -> None:
    vectors, expected = draw(seed, base, added, share)
    rng = np.random.default_rng(seed)
    query, mask = directions(rng, 1)[0], rng.random(len(expected)) < 0.5
    index = DeltaIndex(ExactIndex(vectors.base, block=7), vectors)
    tuning = Tuning(0.99, {"exact": EngineStats(1.0, {"photo": 1.0}, {})})
    rows, scores = search_matching(index, vectors, tuning, query, k, lambda rows: mask[rows])
    order = np.argsort(-(expected @ query), kind="stable")
    np.testing.assert_array_equal(rows, order[mask[order]][:k])
    np.testing.assert_array_equal(scores, (expected @ query)[rows])


@pytest.mark.parametrize("name", INSTALLED)
def test_no_removed_row_is_found_by_any_engine(tmp_path: Path, name: str) -> None:
    """Even if the nearest ones were all removed, and whatever k."""
    rng = np.random.default_rng(0)
    base, added = (normalize(rng.normal(size=(count, 16))) for count in (300, 20))
    tuning = tune(tmp_path, base, sample_queries(base), wanted=[name])
    file = index_file(name)
    engine = open_index(name, base, file and tmp_path / file, tuning.engines[name].parameters)
    nearest = ExactIndex(base).search(base[0], 150)[0]
    vectors = DeltaVectors(base, np.sort(nearest), added)
    index, exact = DeltaIndex(engine, vectors), ExactIndex(np.asarray(vectors))
    assert index.name == name
    for k in (1, 10, 170, 500):
        found, expected = index.search(base[0], k), exact.search(base[0], k)
        assert len(found[0]) == len(set(found[0].tolist())) == min(k, 170)
        np.testing.assert_allclose(found[1], (np.asarray(vectors) @ base[0])[found[0]], atol=1e-6)
        assert len(set(found[0]) & set(expected[0])) >= 0.9 * len(expected[0])
