"""Threads for the work that takes a core, one for each, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Workers:
    """A bounded number of threads; what is asked beyond them waits its turn."""

    def __init__(self, count: int, waited: Callable[[float], None]) -> None:
        """``waited`` is told the seconds that each piece of work stood in the queue."""
        self._count = count
        self._pool = self._new_pool()
        self._waited = waited

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns, or raises, in one of the threads."""
        asked = time.perf_counter()

        def begin() -> Result:
            self._waited(time.perf_counter() - asked)
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, begin)

    def close(self) -> None:
        """Let the threads end; what is asked later gets new ones."""
        ended, self._pool = self._pool, self._new_pool()
        ended.shutdown(wait=True)

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._count, thread_name_prefix="photoseek")
