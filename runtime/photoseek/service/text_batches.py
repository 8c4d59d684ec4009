"""Searches of concurrent requests, in batches whose texts are encoded in one run of the tower."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

_MAX_BATCH = 16  # larger ones encode no faster per text, and delay the first answer


@dataclass(frozen=True)
class BatchedRequest(Generic[Result]):
    """A request that waits for a worker.

    Attributes:
        text: The text to encode.
        language: Its language, or None.
        finish: Returns the result, given how many seconds the batch took to encode.
    """

    text: str
    language: str | None
    finish: Callable[[float], Result]
    result: asyncio.Future[Result]
    queued: float = field(default_factory=time.perf_counter)


class TextBatches:
    """Runs text requests in worker threads. Those that arrive while all workers are busy share a batch.

    A request that finds an idle worker does not wait for others. Each batch is a new task of the executor, so that
    batches and other tasks take turns.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[tuple[str, str | None]]], None],
        observe_wait: Callable[[float], None],
        workers: int,
    ) -> None:
        """Create the queue.

        Args:
            encode: Encodes texts with their languages and caches the vectors.
            observe_wait: Called with the seconds that each request waited.
            workers: Threads of the executor.
        """
        self._encode = encode
        self._observe_wait = observe_wait
        self._workers = workers
        self._busy = 0
        self._waiting: deque[BatchedRequest[Any]] = deque()
        self._lock = threading.Lock()

    async def run(
        self, executor: Executor, text: str, language: str | None, finish: Callable[[float], Result]
    ) -> Result:
        """Encode a text, together with those of other requests, and return the result of ``finish``."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        with self._lock:
            self._waiting.append(BatchedRequest(text, language, finish, result))
            start = self._busy < self._workers
            self._busy += start
        if start:
            executor.submit(self._run_batch, executor, loop)
        return await result

    def _run_batch(self, executor: Executor, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        for request in batch:
            self._observe_wait(time.perf_counter() - request.queued)
        started = time.perf_counter()
        if len(batch) > 1:
            with suppress(Exception):  # the request that causes it raises it again
                self._encode([(request.text, request.language) for request in batch])
        seconds = time.perf_counter() - started
        for request in batch:
            _finish(request, seconds, loop)
        with self._lock:
            again = bool(self._waiting)
            self._busy -= not again
        if again:
            executor.submit(self._run_batch, executor, loop)

    def _take(self) -> list[BatchedRequest[Any]]:
        """Take this worker's share of the waiting requests, oldest first."""
        with self._lock:
            count = min(_MAX_BATCH, math.ceil(len(self._waiting) / self._workers))
            found = [self._waiting.popleft() for _ in range(count)]
        return [request for request in found if not request.result.cancelled()]


def _finish(request: BatchedRequest[Any], seconds: float, loop: asyncio.AbstractEventLoop) -> None:
    try:
        result = request.finish(seconds)
    except BaseException as error:  # raised in the task of the request
        loop.call_soon_threadsafe(_fail, request.result, error)
    else:
        loop.call_soon_threadsafe(_succeed, request.result, result)


def _succeed(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():  # else its client has disconnected
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
