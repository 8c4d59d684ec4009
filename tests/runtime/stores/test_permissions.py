"""Pushing creates tables; searching only reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photoseek import Bundle, Searcher
from photoseek.errors import StoreError
from photoseek.gallery.filters import Filter
from photoseek.stores.push import push
from postgres_server import PostgresServer
from tiny_bundle import DIM
from vector_gallery import Exact, make_gallery, remove, scattered, various

COUNT = 200


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """URI, without a user, of an empty database in which ``reader`` has no rights."""
    import psycopg

    folder = postgres.uri.partition("?")[2]
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared")
        connection.execute("CREATE ROLE reader LOGIN")
        yield f"/shared?{folder}"
        connection.execute("DROP DATABASE shared WITH (FORCE)")
        connection.execute("DROP ROLE reader")


def test_a_reader_searches_and_cannot_push(tmp_path: Path, tiny_bundle: Bundle, database: str) -> None:
    import psycopg

    gallery = make_gallery(tmp_path / "small", tiny_bundle, scattered(COUNT, DIM), various(COUNT))
    owner, reader = f"postgresql://postgres@{database}", f"postgresql://reader@{database}"
    with pytest.raises(
        StoreError, match=r"may not create pgvector's extension.*CREATE EXTENSION vector|permission denied"
    ):
        push(gallery, reader)
    push(gallery, owner, index_from=100)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    searcher, query = Searcher(gallery, store=reader), scattered(1, DIM, seed=1)[0]
    for where in (None, Filter(folder="a")):
        found = [hit.id for hit in searcher.nearest(query, 10, where=where)]
        assert found == [photo for photo, _ in Exact(gallery)(query, 10, where)]
    searcher.close()
    with pytest.raises(StoreError, match="permission denied"):
        push(gallery, reader, recall=0.5)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader")
    remove(gallery, [each.path for each in various(COUNT)[:5]])
    assert push(gallery, reader, index_from=100).deleted == 5  # a writer need not be the owner
    assert push(gallery, owner, index_from=100).unchanged == COUNT - 5
