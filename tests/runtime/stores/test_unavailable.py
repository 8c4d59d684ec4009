"""An unavailable server is a typed error, in time and without passwords; with a fallback, the gallery answers."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery, Searcher
from photoseek.errors import StoreError, StoreUnavailable
from photoseek.gallery.filters import Filter
from photoseek.search.snapshot_index import SnapshotIndex
from photoseek.search.store_index import RETRY_INTERVAL_S, StoreIndex
from photoseek.stores.milvus import client
from photoseek.stores.pgvector import pool
from photoseek.stores.push import push
from tiny_bundle import DIM
from vector_gallery import Exact, make_gallery, make_generation, scattered, various

COUNT = 300
SECRET = "s3cr%zzt!"


@pytest.fixture(scope="module")
def small_gallery(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Gallery:
    """A gallery that tests do not change."""
    folder = tmp_path_factory.mktemp("galleries") / "small"
    gallery = make_gallery(folder, Bundle.load(tiny_bundle_path), scattered(COUNT, DIM), various(COUNT))
    make_generation(gallery)
    return gallery


def searcher_with_fallback(gallery: Gallery, uri: str, clock: Callable[[], float]) -> Searcher:
    searcher = Searcher(gallery)
    local = SnapshotIndex(gallery, searcher.bundle, "auto")
    searcher.index = StoreIndex(gallery, searcher.bundle, local, uri, None, fallback=True, clock=clock)
    return searcher


@pytest.fixture(params=["postgres", "milvus_server"])
def server(request: pytest.FixtureRequest) -> Iterator[object]:
    """A server that runs before and after the test."""
    found = request.getfixturevalue(request.param)
    yield found
    found.stop()
    found.start()


def test_a_server_that_stops_and_starts_again(  # type: ignore[no-untyped-def]
    small_gallery: Gallery, server, caplog: pytest.LogCaptureFixture
) -> None:
    push(small_gallery, server.uri)
    query, where = scattered(1, DIM, seed=1)[0], Filter(type="jpeg")
    strict = Searcher(small_gallery, store=server.uri)
    elapsed = [0.0]
    lenient = searcher_with_fallback(small_gallery, server.uri, lambda: elapsed[0])
    expected = [photo for photo, _ in Exact(small_gallery)(query, 10)]
    filtered = [photo for photo, _ in Exact(small_gallery)(query, 10, where)]

    def ask(searcher: Searcher, where: Filter | None = None) -> list[int]:
        return [hit.id for hit in searcher.nearest(query, 10, where=where)]

    assert ask(strict) == ask(lenient) == expected
    assert lenient.damage is None
    assert not caplog.records

    server.stop()
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"does not answer.*start the server.*--fallback") as error:
        ask(strict)
    assert time.monotonic() - started < 12
    assert small_gallery.database.meta()["gallery"] not in str(error.value)
    with pytest.raises(StoreUnavailable, match="sent rows are saved, run the command again to resume"):
        push(small_gallery, server.uri)
    assert ask(lenient) == expected
    assert ask(lenient, where) == filtered
    assert "does not answer" in str(lenient.damage)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]  # logged once
    assert caplog.messages[0].startswith("falling back to the gallery's snapshot: ")

    server.start()
    assert ask(strict) == expected
    assert ask(strict, where) == filtered
    assert ask(lenient) == expected  # from the gallery: the retry interval has not passed
    assert lenient.damage is not None
    elapsed[0] += RETRY_INTERVAL_S
    assert ask(lenient) == expected
    assert lenient.damage is None
    assert caplog.messages[-1].endswith("available again")
    for searcher in (strict, lenient):
        searcher.close()


def test_an_unavailable_server_is_not_contacted_by_each_query(
    small_gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pgvector")
    attempts: list[float] = []
    monkeypatch.setattr(pytest.importorskip("psycopg"), "connect", lambda *_, **__: attempts.append(0.0) or refuse())
    clock = [1_000.0]
    searcher = searcher_with_fallback(small_gallery, "postgresql://127.0.0.1/photos", lambda: clock[0])
    for seconds in (0.0, RETRY_INTERVAL_S - 0.1, 0.2, 0.0):
        clock[0] += seconds
        assert searcher.nearest(scattered(1, DIM)[0], 1)
    assert len(attempts) == 2


def refuse() -> None:
    import psycopg

    raise psycopg.OperationalError("connection refused")


@pytest.mark.parametrize("kind", ["pgvector", "milvus"])
def test_a_server_that_never_answers_is_a_timeout(
    small_gallery: Gallery, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg" if kind == "pgvector" else "pymilvus")
    monkeypatch.setattr(pool, "CONNECT_S", 2)
    monkeypatch.setattr(client, "CONNECT_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        uri = f"postgresql://{place}/photos" if kind == "pgvector" else f"http://{place}"
        searcher = Searcher(small_gallery, store=uri)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match=place.replace(".", r"\.")):
            searcher.search("red")
        assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    "uri",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/photos",
        f"postgresql://me:{SECRET}@127.0.0.1:none/photos",
        f"postgresql://me:{SECRET}/x@127.0.0.1:1/photos",
        f"postgresql://127.0.0.1:1/photos?user=me&password={SECRET}",
        f"postgresql://me:{SECRET}@127.0.0.1:1/photos?nonsense=1",
        f"http://me:{SECRET}@127.0.0.1:1",
        f"http://me:{SECRET}@127.0.0.1:none",
    ],
)
def test_passwords_are_never_printed(
    small_gallery: Gallery, uri: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for package in ("psycopg", "pgvector", "pymilvus"):
        pytest.importorskip(package)
    with caplog.at_level(logging.DEBUG):
        searcher = Searcher(small_gallery, store=uri, fallback=True)
        with suppress(StoreError):  # an invalid URI is not an unavailable server
            assert searcher.nearest(scattered(1, DIM)[0], 1)
        with pytest.raises(StoreError) as error:
            push(small_gallery, uri)
    texts = [str(error.value), repr(error.value.__cause__), repr(searcher), repr(searcher.index), repr(searcher.damage)]
    texts += [caplog.text, *capfd.readouterr()]
    for text in texts:
        assert "s3cr" not in text
    assert "127.0.0.1" in texts[0]


def test_a_token_is_never_printed(
    small_gallery: Gallery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("pymilvus")
    monkeypatch.setenv(client.TOKEN_VARIABLE, f"me:{SECRET}")
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreUnavailable) as error:
        push(small_gallery, "http://127.0.0.1:1")
    assert "s3cr" not in str(error.value) + caplog.text


def test_a_milvus_lite_folder_opened_by_another_process_is_reported(small_gallery: Gallery, tmp_path: Path) -> None:
    import subprocess
    import sys

    pytest.importorskip("pymilvus")
    pytest.importorskip("milvus_lite")
    uri = str(tmp_path / "photos.db")
    push(small_gallery, uri)
    code = f"from pymilvus import MilvusClient; c = MilvusClient({uri!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreUnavailable, match="which only one process at a time can open"):
            push(small_gallery, uri)
        other.communicate(b"\n")
    assert push(small_gallery, uri).unchanged == COUNT
