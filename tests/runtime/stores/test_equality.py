"""Stores return the results of exact search over the same vectors, with the target recall."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from photoseek import Bundle, Searcher
from photoseek.gallery.filters import Filter
from photoseek.stores.base import StoreMetadata
from photoseek.stores.connect import open_store
from photoseek.stores.push import push
from photoseek.stores.rows import StoreRow
from photoseek.stores.tuning import tune_store
from photoseek.stores.uri import StoreUri
from photoseek.system.filenames import decode_filename
from photoseek.vectors import Vectors
from postgres_server import PostgresServer
from tiny_bundle import DIM
from vector_gallery import FILTERS, Exact, Facts, clustered, make_gallery, scattered, various

COUNT = 2_000


def found(searcher: Searcher, query: Vectors, k: int, where: Filter | None = None) -> list[tuple[int, float]]:
    return [(hit.id, hit.score) for hit in searcher.nearest(query, k, where=where)]


def expect_equal(answer: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert [photo for photo, _ in answer] == [photo for photo, _ in expected]
    assert np.allclose([score for _, score in answer], [score for _, score in expected], atol=1e-6)


def test_without_an_index_ids_and_scores_are_those_of_exact_search(
    tmp_path: Path, tiny_bundle: Bundle, fast_uri: str
) -> None:
    drawn = clustered(COUNT + 5, DIM)
    gallery = make_gallery(tmp_path / "big", tiny_bundle, drawn[:COUNT], various(COUNT))
    report = push(gallery, fast_uri)
    assert report.stats.parameters == {"effort": 0}
    assert set(report.stats.recalls.values()) == {1.0}
    searcher, exact = Searcher(gallery, store=fast_uri), Exact(gallery)
    for query in drawn[COUNT:]:
        for k in (1, 10, 100, COUNT + 1):
            expect_equal(found(searcher, query, k), exact(query, k))
    for where in FILTERS:
        expect_equal(found(searcher, drawn[-1], 20, where), exact(drawn[-1], 20, where))
    searcher.close()


@pytest.mark.parametrize(("draw", "few"), [(clustered, 10_000), (scattered, 20)])
def test_with_an_index_the_target_recall_is_reached(
    draw: Callable[..., Vectors],
    few: int,
    tmp_path: Path,
    tiny_bundle: Bundle,
    fast_uri: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if StoreUri.parse(fast_uri).kind == "pgvector":  # scores all photos if few match a filter
        monkeypatch.setattr("photoseek.stores.pgvector.store.PgvectorStore.min_rows_for_index", few)
    drawn = draw(COUNT + 40, DIM)
    gallery = make_gallery(tmp_path / "big", tiny_bundle, drawn[:COUNT], various(COUNT))
    report = push(gallery, fast_uri, recall=0.999, index_from=1_000)
    assert report.stats.parameters["effort"] >= 32
    searcher, exact = Searcher(gallery, store=fast_uri), Exact(gallery)
    queries = drawn[COUNT:]
    assert mean_recall(searcher, exact, queries, None) >= 0.99
    for where in FILTERS:
        assert mean_recall(searcher, exact, queries[:5], where) >= 0.95, where
    assert len(searcher.nearest(queries[0], 1_500)) == 1_500  # more than pgvector's maximum number of candidates
    searcher.close()


def test_all_photos_are_scored_if_the_index_returns_too_few(
    tmp_path: Path, tiny_bundle: Bundle, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr("photoseek.stores.pgvector.store.PgvectorStore.min_rows_for_index", 20)
    where = Filter(folder="a", orientation="portrait")

    drawn = clustered(COUNT + 3, DIM)
    gallery = make_gallery(tmp_path / "big", tiny_bundle, drawn[:COUNT], various(COUNT))
    push(gallery, postgres.uri, index_from=1_000)
    settings = {"hnsw.max_scan_tuples": "1", "enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off"}
    with psycopg.connect(postgres.uri, autocommit=True) as connection:  # simulates a huge table with default settings
        for name, value in settings.items():
            connection.execute(f"ALTER DATABASE postgres SET {name} = {value}")
        try:
            searcher, exact = Searcher(gallery, store=postgres.uri), Exact(gallery)
            for query in drawn[COUNT:]:
                expect_equal(found(searcher, query, 30, where), exact(query, 30, where))
            searcher.close()
        finally:
            connection.execute("ALTER DATABASE postgres RESET ALL")


def mean_recall(searcher: Searcher, exact: Exact, queries: Vectors, where: Filter | None) -> float:
    shares = []
    for query in queries:
        expected, answer = exact(query, 10, where), found(searcher, query, 10, where)
        assert len(answer) == len(expected), where
        scores = dict(zip(exact.ids.tolist(), (exact.vectors @ query).tolist(), strict=True))
        assert all(abs(scores[photo] - score) < 1e-6 for photo, score in answer)
        if expected:
            shares.append(sum(score >= expected[-1][1] - 1e-6 for _, score in answer) / len(expected))
    return float(np.mean(shares)) if shares else 1.0


def test_effort_is_raised_until_the_recall_is_reached(fast_uri: str) -> None:
    vectors, queries = scattered(3_000, 128), {"photo": scattered(60, 128, seed=1)}
    store = open_store(fast_uri, "efforts")
    store.prepare(128)
    for start in range(0, len(vectors), 1_000):
        store.put([row(number, vectors[number]) for number in range(start, start + 1_000)])
    store.finalize(len(vectors), indexed=True)
    low = tune_store(store, vectors, queries, 0.5, indexed=True)
    high = tune_store(store, vectors, queries, 0.99, indexed=True)
    assert low.parameters["effort"] == 32
    assert 0.5 <= low.recall < 0.99
    assert high.parameters["effort"] > 32
    assert high.recall >= 0.99
    expected = [np.sort(vectors @ query)[-10] for query in queries["photo"]]
    shares = [
        (store.search(query, 10, high.parameters["effort"])[1] >= tenth - 1e-6).mean()
        for query, tenth in zip(queries["photo"], expected, strict=True)
    ]
    assert np.mean(shares) == pytest.approx(high.recall, abs=1e-3)
    store.drop()
    store.close()


def row(number: int, vector: Vectors) -> StoreRow:
    return StoreRow.of(number, f"{number}.jpg", 1, 1, "", vector)


HOSTILE = [
    "it's/1.jpg",
    'say "x"/1.jpg',
    "100%/1.jpg",
    "under_score/1.jpg",
    "back\\slash/1.jpg",
    "new\nline/1.jpg",
    "tab\tcarriage\r/1.jpg",
    "; DROP TABLE photos; --/1.jpg",
    "\\'; SELECT 1/1.jpg",
    "$1 %s %(x)s {0}/1.jpg",
    "雪/1.jpg",
    "🐕/1.jpg",
    decode_filename("caf\udce9/1.jpg"),  # a name in Latin-1
    decode_filename("\udcff\udcfe/1.jpg"),
    "bell\x07\x1b[31m/1.jpg",
    "A/1.jpg",
    "a/1.jpg",
    "a/İ.JPG",
    "a" * 250 + "/1.jpg",
    "/".join(["b" * 200] * 15) + "/1.jpg",
]


def test_hostile_names_are_stored_and_filtered(tmp_path: Path, tiny_bundle: Bundle, uri: str) -> None:
    facts = [Facts(path) for path in HOSTILE]
    gallery = make_gallery(tmp_path / "big", tiny_bundle, scattered(len(facts), DIM), facts)
    push(gallery, uri)
    assert push(gallery, uri).unchanged == len(facts)
    searcher, exact, query = Searcher(gallery, store=uri), Exact(gallery), scattered(1, DIM, seed=1)[0]
    assert sorted(hit.path for hit in searcher.nearest(query, 100)) == sorted(HOSTILE)
    for path in HOSTILE:
        where = Filter(folder=path.rpartition("/")[0])
        expect_equal(found(searcher, query, 100, where), exact(query, 100, where))
        assert path in [hit.path for hit in searcher.nearest(query, 100, where=where)]
    searcher.close()


def test_metadata_of_a_store_survives_a_round_trip(fast_uri: str) -> None:
    store = open_store(fast_uri, "notes")
    assert store.metadata() is None
    store.prepare(4)
    state = StoreMetadata("g'\"\\", "f\n", 4, complete=True, revision=7, state="s", count=3, target=0.9)
    store.set_metadata(StoreMetadata("other", "f", 4))
    store.set_metadata(state)
    assert store.metadata() == state
    store.drop()
    assert store.metadata() is None
    store.close()
