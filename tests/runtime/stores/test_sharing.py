"""Threads and forked children share a searcher that uses a store."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import pytest

from photoseek import Bundle, Searcher
from photoseek.gallery.filters import Filter
from photoseek.stores.pgvector.pool import ConnectionPool
from photoseek.stores.push import push
from photoseek.stores.uri import StoreUri
from postgres_server import PostgresServer
from tiny_bundle import DIM
from vector_gallery import Exact, make_gallery, scattered, various

COUNT, THREADS = 600, 12


def answers(searcher: Searcher, queries: object) -> list[list[int]]:
    where = Filter(folder="a")
    return [[hit.id for hit in searcher.nearest(query, 7, where=each)] for query in queries for each in (None, where)]  # type: ignore[attr-defined]


def test_threads_and_forked_children_get_the_results_of_exact_search(
    tmp_path: Path, tiny_bundle: Bundle, uri: str
) -> None:
    gallery = make_gallery(tmp_path / "some", tiny_bundle, scattered(COUNT, DIM), various(COUNT))
    push(gallery, uri)
    searcher, exact, queries = Searcher(gallery, store=uri), Exact(gallery), scattered(10, DIM, seed=1)
    wheres = (None, Filter(folder="a"))
    expected = [[photo for photo, _ in exact(query, 7, where)] for query in queries for where in wheres]
    found: list[list[list[int]]] = []
    threads = [threading.Thread(target=lambda: found.append(answers(searcher, queries))) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * THREADS
    if not uri.endswith(".db"):  # Milvus Lite belongs to the process that has opened it
        _expect_in_children(searcher, queries, expected)
    assert answers(searcher, queries) == expected
    searcher.close()


def _expect_in_children(searcher: Searcher, queries: object, expected: list[list[int]]) -> None:
    context = multiprocessing.get_context("fork")
    answered = context.SimpleQueue()
    for _ in range(3):
        child = context.Process(target=lambda: answered.put(answers(searcher, queries)))
        child.start()
        child.join(30)
        assert child.exitcode == 0
        assert answered.get() == expected


def test_a_forked_child_opens_another_connection(postgres: PostgresServer) -> None:
    ready: list[object] = []
    connections = ConnectionPool(StoreUri.parse(postgres.uri), ready.append)

    def session() -> int:
        return connections.run(lambda connection: connection.info.backend_pid)

    parents = session()
    assert session() == parents
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=lambda: results.put(session()))
    child.start()
    child.join(30)
    assert results.get() != parents
    assert session() == parents
    assert len(ready) == 1
    connections.close()


@pytest.mark.parametrize("package", ["pymilvus", "psycopg"])
def test_import_photoseek_imports_no_store(package: str) -> None:
    import subprocess
    import sys

    from typed_commands import environment

    code = f"import sys, photoseek, photoseek.cli.app; print({package!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), check=True)
    assert done.stdout == b"False\n"
