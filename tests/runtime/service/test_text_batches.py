"""Text requests that arrive while the workers are busy are encoded together, and fail alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from photoseek import Searcher
from photoseek.errors import QueryError
from photoseek.service.text_batches import TextBatches
from tiny_bundle import COLORS


class Recorder:
    """Records the batches, and blocks the first request until ``proceed`` is set."""

    def __init__(self, workers: int = 1) -> None:
        self.encoded: list[list[str]] = []
        self.finished: list[str] = []
        self.waits: list[float] = []
        self.started, self.proceed = threading.Event(), threading.Event()
        self.batches = TextBatches(self.encode, self.waits.append, workers)

    def encode(self, texts: Sequence[tuple[str, str | None]]) -> None:
        self.encoded.append([text for text, _ in texts])

    def finish(self, text: str) -> str:
        if text == "first":
            self.started.set()
            assert self.proceed.wait(20)
        if text == "wrong":
            raise QueryError("wrong")
        self.finished.append(text)
        return text.upper()

    async def run(self, threads: ThreadPoolExecutor, text: str) -> str:
        return await self.batches.run(threads, text, None, lambda _: self.finish(text))

    async def run_behind_first(self, texts: Sequence[str]) -> list[str | BaseException]:
        """Run a request that blocks the worker, then the others, and return all answers."""
        with ThreadPoolExecutor(1) as threads:
            first = asyncio.create_task(self.run(threads, "first"))
            await asyncio.to_thread(self.started.wait, 20)
            others = [asyncio.create_task(self.run(threads, text)) for text in texts]
            await asyncio.sleep(0)  # until they are queued
            if "gone" in texts:
                others[texts.index("gone")].cancel()
            self.proceed.set()
            return await asyncio.gather(first, *others, return_exceptions=True)


def test_requests_that_arrive_while_the_worker_is_busy_share_batches_of_sixteen() -> None:
    recorder, texts = Recorder(), [f"text {number}" for number in range(20)]
    answers = asyncio.run(recorder.run_behind_first(texts))
    assert answers == ["FIRST", *(text.upper() for text in texts)]
    assert recorder.encoded == [texts[:16], texts[16:]]  # the first did not wait for others
    assert len(recorder.waits) == 21


def test_an_error_reaches_only_its_own_request() -> None:
    recorder = Recorder()
    answers = asyncio.run(recorder.run_behind_first(["right", "wrong", "also right"]))
    assert [answer for answer in answers if isinstance(answer, str)] == ["FIRST", "RIGHT", "ALSO RIGHT"]
    assert isinstance(answers[2], QueryError)


def test_a_batch_that_cannot_be_encoded_leaves_the_errors_to_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Recorder, "encode", fail)
    assert asyncio.run(Recorder().run_behind_first(["one", "two"])) == ["FIRST", "ONE", "TWO"]


def test_a_request_whose_client_has_disconnected_is_skipped() -> None:
    recorder = Recorder()
    answers = asyncio.run(recorder.run_behind_first(["one", "gone", "two"]))
    assert isinstance(answers[2], asyncio.CancelledError)
    assert recorder.encoded == [["one", "two"]]
    assert recorder.finished == ["first", "one", "two"]


def test_other_tasks_take_turns_with_batches() -> None:
    recorder, order = Recorder(), list[str]()

    async def work() -> None:
        with ThreadPoolExecutor(1) as threads:
            first = asyncio.create_task(recorder.run(threads, "first"))
            await asyncio.to_thread(recorder.started.wait, 20)
            photo = threads.submit(lambda: order.extend(recorder.finished))
            texts = [asyncio.create_task(recorder.run(threads, f"text {number}")) for number in range(20)]
            await asyncio.sleep(0)
            recorder.proceed.set()
            await asyncio.gather(first, *texts)
            photo.result()

    asyncio.run(work())
    assert order == ["first"]


def test_concurrent_callers_get_the_hits_of_the_library(client: httpx.Client, still_searcher: Searcher) -> None:
    texts = [f"a {color} picture {number}" for number in range(6) for color in COLORS]
    texts += ["red + blue - green", "2:红色 + blue", "red"]

    def ask(text: str) -> list[tuple[str, float]]:
        found = client.post("/v1/search", json={"text": text, "k": 8})
        return [(hit["path"], hit["score"]) for hit in found.json()["hits"]]

    with ThreadPoolExecutor(40) as callers:
        answers = list(callers.map(ask, texts))
    for text, answer in zip(texts, answers, strict=True):
        expected = Searcher(still_searcher.gallery).search(text, k=8)
        np.testing.assert_allclose(
            [score for _, score in answer], [hit.score for hit in expected], atol=1e-4
        )  # rounded
        assert {path for path, _ in answer} == {hit.path for hit in expected}
