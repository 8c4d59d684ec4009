"""Encoding in threads of this process."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from photoseek.gallery.indexing.pipeline import BATCH, Batch, PhotoEncoder
from photoseek.photos.open_image import load_plugins
from photoseek.sources.base import PhotoEntry
from photoseek.system.cpu import available_cores

_NAME = "photoseek-encode"  # prefix of the threads' names
_numbers = itertools.count(1)
_POLL_S = 2.0  # interval of checks that the threads are alive


@dataclass(frozen=True)
class ThreadBackend:
    """Threads of this process: each decodes and encodes a few photos at a time on its own core.

    Threads that share one run of the tower wait for each other, and a separate decoding thread would take a core
    from it.

    Attributes:
        workers: Number of threads. By default one for each core that this process may use.
        ahead: Batches per thread that may be in memory, so that a slow photo does not delay others.
    """

    workers: int = field(default_factory=available_cores)
    ahead: int = 4

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, on_batch: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """See ``EncodingBackend.encode``."""
        load_plugins()
        batches = [work[start : start + BATCH] for start in range(0, len(work), BATCH)]
        yield from _prefetch(photo_encoder.batch, batches, on_batch, self.workers, self.ahead)


def _prefetch(
    encode: Callable[[Sequence[PhotoEntry]], Batch],
    work: Iterable[Sequence[PhotoEntry]],
    on_batch: Callable[[Batch], None],
    workers: int,
    ahead: int,
) -> Generator[Batch]:
    """Encode in threads, with at most ``ahead`` batches per thread in progress, and yield batches as they complete.

    When the caller stops iterating, running batches are completed and passed to ``on_batch``; the others are canceled.
    """
    name = f"{_NAME}-{next(_numbers)}"  # other runs of this process have threads as well, which end at other times
    with ThreadPoolExecutor(workers, thread_name_prefix=name) as pool:
        pending: set[Future[Batch]] = set()
        threads: set[threading.Thread] = set()
        try:
            for photos in work:
                pending.add(pool.submit(encode, photos))
                threads |= {thread for thread in threading.enumerate() if thread.name.startswith(f"{name}_")}
                if len(pending) >= ahead * workers:
                    yield from _completed(pending, threads, on_batch)
            while pending:
                yield from _completed(pending, threads, on_batch)
        finally:
            running = {future for future in pending if not future.cancel()}
            for future in _wait(running, threads, ALL_COMPLETED):
                if future.exception() is None:
                    on_batch(future.result())


def _completed(
    pending: set[Future[Batch]], threads: set[threading.Thread], on_batch: Callable[[Batch], None]
) -> Iterator[Batch]:
    """Wait for at least one batch, and pass all completed ones to ``on_batch`` before the first is yielded."""
    done = _wait(pending, threads, FIRST_COMPLETED)
    if not done:
        raise MemoryError("a thread that encodes photos has ended unexpectedly; is there enough memory?")
    failed = [future for future in done if future.exception() is not None]
    pending -= done
    batches = [future.result() for future in done if future not in failed]
    for batch in batches:
        on_batch(batch)
    for future in failed:
        future.result()
    yield from batches


def _wait(futures: set[Future[Batch]], threads: set[threading.Thread], until: str) -> set[Future[Batch]]:
    """Return completed futures; fewer than requested if a thread has died, for example because memory ran out."""
    while True:
        found = wait(futures, timeout=_POLL_S, return_when=until)
        if (found.done and until == FIRST_COMPLETED) or not found.not_done:
            return found.done
        if not all(thread.is_alive() for thread in threads):
            return found.done
