"""Exact search equals sorting; approximate engines have a measured recall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installed import INSTALLED, needs_annoy, needs_faiss, without
from photoseek.errors import GalleryDamaged
from photoseek.vector_index import tuning
from photoseek.vector_index.annoy import AnnoyParameters, AnnoyTreeIndex, build
from photoseek.vector_index.base import Index
from photoseek.vector_index.exact import ExactIndex
from photoseek.vector_index.faiss import FaissFlatIndex, FaissHnswIndex, HnswParameters
from photoseek.vector_index.faiss import build as build_graph
from photoseek.vector_index.registry import ENGINES, index_file, open_index
from photoseek.vector_index.tuning import TARGET_RECALL, EngineStats, Tuning, sample_queries, tune
from photoseek.vectors import Vectors, normalize


def random_vectors(count: int, dim: int = 32, seed: int = 0) -> Vectors:
    return normalize(np.random.default_rng(seed).normal(size=(count, dim)))


def measure_recall(engine: Index, vectors: Vectors, queries: Vectors) -> float:
    return tuning.GroundTruth.of(vectors, {"these": queries}).measure(engine).recalls["these"]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 70))
def test_exact_search_equals_a_stable_sort_of_all_scores(seed: int, count: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    # few directions, so that many scores tie
    vectors = normalize(rng.integers(1, 4, size=(count, 2)))
    query = vectors[rng.integers(count)]
    rows, scores = ExactIndex(vectors).search(query, k)
    expected = np.argsort(-(vectors @ query), kind="stable")[:k]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(scores, (vectors @ query)[expected])


@needs_annoy
def test_annoy_equals_exact_search_at_maximum_effort(tmp_path: Path) -> None:
    vectors = random_vectors(500)
    parameters = AnnoyParameters(trees=10, search_k=500 * 10)
    build(vectors, tmp_path / "index.ann", parameters)
    annoy, exact = AnnoyTreeIndex(tmp_path / "index.ann", vectors, parameters), ExactIndex(vectors)
    for query in random_vectors(20, seed=1):
        found, expected = annoy.search(query, 10), exact.search(query, 10)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


@needs_faiss
def test_hnsw_equals_exact_search_at_maximum_effort(tmp_path: Path) -> None:
    vectors = random_vectors(500)
    build_graph(vectors, tmp_path / "index.faiss", HnswParameters())
    engine = FaissHnswIndex(tmp_path / "index.faiss", vectors, HnswParameters(ef_search=500))
    for query in random_vectors(20, seed=1):
        found, expected = engine.search(query, 10), ExactIndex(vectors).search(query, 10)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


@needs_faiss
@settings(deadline=None)  # it builds a graph each time
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 320))
def test_the_half_precision_scan_equals_exact_search(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, k: int
) -> None:
    rng = np.random.default_rng(seed)
    # around one direction, closer to each other than half precision can represent; some are the same
    vectors = normalize(rng.integers(-2, 3, size=(count, 8)) * rng.choice([1e-5, 1e-3, 1.0]) + np.arange(1, 9))
    path = tmp_path_factory.mktemp("scan") / "index.faiss"
    build_graph(vectors, path, HnswParameters())
    query = normalize(rng.normal(size=(1, 8)))[0]
    rows, scores = FaissFlatIndex.open(path, vectors).search(query, k)
    expected = vectors @ query
    np.testing.assert_allclose(scores, np.sort(expected)[::-1][:k], atol=2e-7)
    np.testing.assert_allclose(scores, expected[rows], atol=2e-7)
    assert len(set(rows.tolist())) == min(k, count)


@needs_faiss
def test_the_scan_extends_its_candidates_for_rounding_errors(tmp_path: Path) -> None:
    # 2,000 vectors within rounding errors of each other: the first 42 candidates are not sufficient
    vectors = normalize(np.ones(64) + 1e-5 * np.random.default_rng(0).normal(size=(2000, 64)))
    build_graph(vectors, tmp_path / "index.faiss", HnswParameters())
    flat, exact = FaissFlatIndex.open(tmp_path / "index.faiss", vectors), ExactIndex(vectors)
    for query in random_vectors(5, dim=64, seed=1):
        np.testing.assert_allclose(flat.search(query, 10)[1], exact.search(query, 10)[1], atol=1e-7)


@needs_faiss
def test_hnsw_returns_k_vectors_even_if_its_graph_is_disconnected(tmp_path: Path) -> None:
    # copies of one vector fill all links, so that the search cannot leave them
    copies = np.repeat(random_vectors(1), 400, axis=0)
    vectors = np.concatenate([copies, random_vectors(50, seed=1)])
    build_graph(vectors, tmp_path / "index.faiss", HnswParameters(links=4, ef_construction=8))
    engine = FaissHnswIndex(tmp_path / "index.faiss", vectors, HnswParameters(links=4, ef_construction=8))
    assert len(set(engine.search(vectors[-1], 450)[0].tolist())) == 450


@pytest.mark.parametrize("name", INSTALLED)
def test_every_engine_accepts_any_k(tmp_path: Path, name: str) -> None:
    vectors = random_vectors(20)
    tuning = tune(tmp_path, vectors, sample_queries(vectors), wanted=INSTALLED)
    file = index_file(name)
    engine = open_index(name, vectors, file and tmp_path / file, tuning.engines[name].parameters)
    assert engine.name == name
    assert all(1 <= value < 2**31 for value in tuning.engines[name].parameters.values())  # as the manifest requires
    assert sorted(engine.search(vectors[0], 10**12)[0]) == list(range(20))
    assert engine.search(vectors[3], 1)[0].tolist() == [3]


@needs_annoy
def test_the_same_vectors_build_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(random_vectors(300), tmp_path / name, AnnoyParameters())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_recall_is_the_share_of_the_true_neighbors() -> None:
    vectors = random_vectors(100)

    class Half:
        name = "half"

        def search(self, query: Vectors, k: int) -> tuple[np.ndarray, Vectors]:
            rows, scores = ExactIndex(vectors).search(query, k)
            return rows[: k // 2], scores[: k // 2]

    queries = sample_queries(vectors)["photo"]
    assert measure_recall(ExactIndex(vectors), vectors, queries) == 1.0
    assert measure_recall(Half(), vectors, queries) == 0.5


@needs_annoy
def test_tuning_raises_the_effort_until_every_kind_of_query_reaches_the_target(tmp_path: Path) -> None:
    vectors = random_vectors(3000, dim=64)  # random directions are the hardest case
    poor = AnnoyParameters(trees=25, search_k=500)
    build(vectors, tmp_path / "poor.ann", poor)
    queries = sample_queries(vectors, random_vectors(40, dim=64, seed=9))
    before = measure_recall(AnnoyTreeIndex(tmp_path / "poor.ann", vectors, poor), vectors, queries["text"])
    assert before < 0.9
    (tmp_path / "tuned").mkdir()
    engines = tune(tmp_path / "tuned", vectors, queries, give_up=np.inf, wanted=INSTALLED).engines
    assert set(engines) == set(INSTALLED)
    for name, found in engines.items():
        assert set(found.recalls) == {"photo", "text"}
        assert found.recall == min(found.recalls.values()) >= TARGET_RECALL
        file = index_file(name)
        engine = open_index(name, vectors, file and tmp_path / "tuned" / file, found.parameters)
        assert measure_recall(engine, vectors, queries["text"]) == found.recalls["text"]
    assert engines["annoy"].parameters["search_k"] > poor.search_k
    files = {index_file(name) for name in INSTALLED} - {None}
    assert {path.name for path in (tmp_path / "tuned").iterdir()} == files
    if "faiss-hnsw" in engines:
        assert engines["faiss-hnsw"].parameters["ef_search"] > HnswParameters().ef_search
        assert engines["exact"].recall == engines["faiss-flat"].recall == 1.0


def test_a_lower_target_needs_less_effort(tmp_path: Path) -> None:
    vectors = random_vectors(3000, dim=64)
    queries = {"text": random_vectors(50, dim=64, seed=9)}
    efforts = {"annoy": "search_k", "faiss-hnsw": "ef_search"}
    for name, effort in ((name, effort) for name, effort in efforts.items() if name in INSTALLED):
        little, much = (
            tune(tmp_path, vectors, queries, target, np.inf, [name]).engines[name] for target in (0.6, 0.99)
        )
        assert 0.6 <= little.recall < 0.99 <= much.recall
        assert little.parameters[effort] < much.parameters[effort]


def measured(milliseconds: float, recall: float = 1.0) -> EngineStats:
    return EngineStats(milliseconds, {"text": recall, "photo": 1.0}, {})


@pytest.mark.parametrize(
    ("engines", "fastest"),
    [
        ({"exact": measured(2.0), "annoy": measured(1.0, 0.99)}, "annoy"),
        ({"exact": measured(2.0), "annoy": measured(1.0, 0.989)}, "exact"),
        ({"exact": measured(2.0), "annoy": measured(2.1)}, "exact"),
        ({"exact": measured(2.0), "annoy": measured(1.0), "faiss-hnsw": measured(0.1, 0.99)}, "faiss-hnsw"),
        ({"exact": measured(2.0), "faiss-flat": measured(0.7), "faiss-hnsw": measured(0.1, 0.9)}, "faiss-flat"),
        ({"exact": measured(0.4), "annoy": measured(0.1), "faiss-hnsw": measured(0.1)}, "exact"),
    ],
)
def test_the_fastest_engine_that_reaches_the_target_is_selected(
    engines: dict[str, EngineStats], fastest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda _: True)
    found = Tuning(0.99, engines)
    assert found.fastest == fastest
    assert found.recall_of("auto") == engines[fastest].recall


def test_the_fastest_engine_that_is_installed_is_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Tuning(0.99, {"exact": measured(2.0), "annoy": measured(1.0), "faiss-hnsw": measured(0.1)})
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda name: None if name == "faiss" else True)
    assert (found.fastest, found.uninstalled, found.hint(10**6)) == ("annoy", None, None)
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda _: None)
    assert (found.fastest, found.uninstalled) == ("exact", "faiss-hnsw")
    assert found.hint(10) == (
        "search is exact, because the index of engine faiss-hnsw needs faiss; "
        "install it with: pip install 'photoseek[faiss]'"
    )


def test_without_an_approximate_engine_search_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda _: None)
    slow, fast = (Tuning(0.99, {"exact": measured(milliseconds)}) for milliseconds in (2.0, 0.4))
    assert (slow.fastest, slow.uninstalled) == ("exact", None)
    assert slow.is_complete(10**6)  # nothing can be built
    assert slow.hint(10**6) == (
        "exact search takes 2.0 ms; a faster engine needs faiss; install it with: pip install 'photoseek[faiss]'"
    )
    assert slow.hint(tuning.FEW) is None
    assert fast.hint(10**6) is None
    slow_index = Tuning(0.99, {"exact": measured(2.0), "annoy": measured(2.1)})
    assert slow_index.uninstalled is None


@needs_annoy
@needs_faiss
def test_without_faiss_only_the_others_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", without("faiss"))
    monkeypatch.setattr(tuning, "NEGLIGIBLE_MS", 0.0)
    vectors = random_vectors(50)
    found = tune(tmp_path, vectors, sample_queries(vectors))
    assert set(found.engines) == {name for name in ENGINES if not name.startswith("faiss")}
    assert found.is_complete(10**6)
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda _: True)
    assert not found.is_complete(10**6)  # since it is installed


@needs_annoy
@needs_faiss
def test_engines_are_built_in_order_until_one_reaches_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = random_vectors(300)
    queries = sample_queries(vectors)
    assert set(tune(tmp_path, vectors, queries).engines) == {"exact", "faiss-hnsw", "faiss-flat"}
    assert [path.name for path in tmp_path.iterdir()] == ["index.faiss"]
    assert set(tune(tmp_path, vectors, queries, wanted=["annoy"]).engines) == set(INSTALLED)
    poor = EngineStats(0.1, {"photo": 0.5}, {})
    monkeypatch.setattr(tuning, "_tune_hnsw", lambda path, *_: build_graph(vectors, path, HnswParameters()) or poor)
    assert tune(tmp_path, vectors, queries).fastest in ("exact", "annoy", "faiss-flat")


def test_an_index_is_built_unless_exact_search_is_fast_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photoseek.vector_index.registry.find_spec", lambda _: True)
    slow, fast = (Tuning(0.99, {"exact": measured(milliseconds)}) for milliseconds in (2.0, 0.4))
    assert fast.is_complete(10**6)
    assert slow.is_complete(tuning.FEW)
    assert not slow.is_complete(tuning.FEW + 1)
    assert not fast.is_complete(10, ["annoy"])


def test_one_vector_and_opposite_vectors_can_be_tuned(tmp_path: Path) -> None:
    for name, vectors in {"one": normalize([[1.0, 0.0]]), "opposite": normalize([[1.0, 0.0], [-1.0, 0.0]])}.items():
        (tmp_path / name).mkdir()
        engines = tune(tmp_path / name, vectors, sample_queries(vectors, vectors)).engines
        assert {found.recall for found in engines.values()} == {1.0}


def test_text_queries_are_texts_and_their_midpoints() -> None:
    vectors, texts = random_vectors(1000), random_vectors(30, seed=5)
    queries = sample_queries(vectors, texts)
    assert {kind: len(rows) for kind, rows in queries.items()} == {"photo": 200, "text": 200}
    np.testing.assert_array_equal(queries["text"][:30], texts)
    np.testing.assert_allclose(np.linalg.norm(queries["text"], axis=1), 1, atol=1e-6)
    assert {tuple(row) for row in queries["photo"].tolist()} <= {tuple(row) for row in vectors.tolist()}


@needs_faiss
def test_a_search_leaves_the_threads_of_openmp_unchanged(tmp_path: Path) -> None:
    """Other code in the process may use faiss, too."""
    import faiss

    vectors = random_vectors(100)
    parameters = HnswParameters()
    build_graph(vectors, tmp_path / "index.faiss", parameters)
    graph = FaissHnswIndex(tmp_path / "index.faiss", vectors, parameters)
    engines = graph, FaissFlatIndex.open(tmp_path / "index.faiss", vectors)
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        for engine in engines:
            engine.search(vectors[0], 5)
            assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_the_block_size_changes_no_result() -> None:
    # integers, whose products are exact in any order of summation; many scores tie across blocks
    vectors = np.random.default_rng(0).integers(1, 5, size=(1000, 3)).astype(np.float32)
    results = [ExactIndex(vectors).search(query, 50) for query in vectors[:20]]
    for query, expected in zip(vectors[:20], results, strict=True):
        rows, scores = ExactIndex(vectors, block=37).search(query, 50)
        np.testing.assert_array_equal(scores, expected[1])
        np.testing.assert_array_equal(rows, expected[0])


@needs_annoy
def test_trees_of_other_vectors_are_refused(tmp_path: Path) -> None:
    build(random_vectors(30), tmp_path / "index.ann", AnnoyParameters())
    with pytest.raises(GalleryDamaged, match="expected 29 items, found 30"):
        AnnoyTreeIndex(tmp_path / "index.ann", random_vectors(29), AnnoyParameters())


@needs_faiss
def test_a_graph_of_other_vectors_is_refused(tmp_path: Path) -> None:
    build_graph(random_vectors(30), tmp_path / "index.faiss", HnswParameters())
    with pytest.raises(GalleryDamaged, match="expected 29 items of 32 numbers, found 30 of 32"):
        FaissHnswIndex(tmp_path / "index.faiss", random_vectors(29), HnswParameters())
