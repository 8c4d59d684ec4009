"""Many texts at once, searches from asynchronous code, and closing."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from photoseek import AsyncSearcher, Bundle, Gallery, Hit, Reranker, Searcher
from photoseek.encoders.encoders import TextEncoder
from photoseek.errors import MissingExtra, QueryError
from photoseek.gallery.filters import Filter
from tiny_bundle import write_tiny_bundle

TEXTS = ["red", "a blue picture", "green - red", "red", "white and black", *(f"picture {n}" for n in range(150))]


@pytest.fixture
def searcher(gallery: Gallery) -> Searcher:
    return Searcher(gallery)


@pytest.fixture
def reranker(searcher: Searcher, tmp_path: Path) -> Reranker:
    second = write_tiny_bundle(tmp_path / "second", name="second", seed=3, dim=24)
    return Reranker(searcher, Bundle.load(second), depth=10)


def paths(hits: list[Hit]) -> list[str]:
    return [hit.path for hit in hits]


@pytest.mark.parametrize("kind", ["searcher", "reranker"])
def test_many_texts_have_the_hits_of_single_searches(
    kind: str, gallery: Gallery, request: pytest.FixtureRequest
) -> None:
    many = request.getfixturevalue(kind)
    single = Searcher(gallery) if kind == "searcher" else Reranker(Searcher(gallery), many.bundle, depth=10)
    options: dict[str, Any] = {"k": 3, "where": Filter(folder="red"), "group_duplicates": True}
    for found, text in zip(many.search_many(TEXTS, **options), TEXTS, strict=True):
        expected = single.search(text, **options)
        assert paths(found) == paths(expected)
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-4)


def test_many_texts_are_encoded_in_few_runs(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    encode = TextEncoder.encode

    def count(encoder: TextEncoder, texts: Any, **options: Any) -> object:
        runs.append(len(texts))
        return encode(encoder, texts, **options)

    monkeypatch.setattr(TextEncoder, "encode", count)
    assert len(searcher.search_many(TEXTS, k=1)) == len(TEXTS)
    assert len(runs) == 3
    assert sum(runs) == len({*TEXTS} - {"green - red"} | {"green", "red"})


def test_no_texts_have_no_hits(searcher: Searcher) -> None:
    assert searcher.search_many([]) == []


@pytest.mark.parametrize("texts", ["red", ["red", ""], ["red + "], [None], ["red", 5]])
def test_invalid_texts_are_refused(searcher: Searcher, texts: Any) -> None:
    with pytest.raises(QueryError):
        searcher.search_many(texts)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_asynchronous_searches_have_the_same_hits(searcher: Searcher, backend: str) -> None:
    async def search() -> tuple[list[Hit], list[list[Hit]]]:
        async with AsyncSearcher(searcher) as asynchronous:
            return await asynchronous.search("red", k=3), await asynchronous.search_many(["red", "blue"], k=2)

    one, many = anyio.run(search, backend=backend)
    assert one == searcher.search("red", k=3)
    assert many == searcher.search_many(["red", "blue"], k=2)


def test_a_search_does_not_block_the_event_loop_and_few_run_at_once(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, proceed = 0, 0, threading.Event()
    lock = threading.Lock()

    def slow(_: str) -> list[Hit]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert proceed.wait(60)
        with lock:
            running -= 1
        return []

    monkeypatch.setattr(searcher, "search", slow)

    async def search() -> None:
        asynchronous = AsyncSearcher(searcher, threads=2)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(asynchronous.search, "red")
            while most < 2:
                await anyio.sleep(0.01)  # blocked, if a search runs in the event loop
            proceed.set()

    started = time.monotonic()
    anyio.run(search)
    assert most == 2
    assert time.monotonic() - started < 50


def test_errors_are_those_of_the_searcher(searcher: Searcher) -> None:
    with pytest.raises(QueryError, match="expected words after"):
        anyio.run(AsyncSearcher(searcher).search, "red + ")


def test_without_anyio_the_package_is_named(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anyio", None)
    with pytest.raises(MissingExtra, match="pip install anyio"):
        AsyncSearcher(searcher)


@pytest.mark.parametrize("kind", ["searcher", "reranker"])
def test_a_block_closes_the_store_but_not_the_gallery(
    kind: str, searcher: Searcher, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    monkeypatch.setattr(searcher.index, "close", lambda: closed.append(True))
    with request.getfixturevalue(kind) as opened:
        assert paths(opened.search("red", k=1))
        assert not closed
    assert closed
    assert searcher.search("red", k=1)


def test_an_asynchronous_block_closes_the_searcher(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(searcher.index, "close", lambda: closed.append(True))

    async def use() -> None:
        async with AsyncSearcher(searcher):
            assert not closed

    anyio.run(use)
    assert closed
