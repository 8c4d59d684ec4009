"""Encoding in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from photoseek.gallery.indexing.pipeline import BATCH, Batch, PhotoEncoder
from photoseek.sources.base import PhotoEntry
from photoseek.system.cpu import available_cores

_NAME = "photoseek-encode"  # of each thread begins so
_POLL_S = 2.0  # how often it is looked whether they live
_AHEAD = 4  # batches for each thread that may be under way, so that a slow photo holds up no other


class ThreadBackend:
    """The threads of this process: each takes a few photos from their files through the tower, alone on its core.

    Threads that share one run of the tower wait for each other, and one that decodes beside it takes a core from it. At
    any time a few batches for each are in memory, however many photos there are.
    """

    def encode(
        self, work: Sequence[PhotoEntry], photo_encoder: PhotoEncoder, keep: Callable[[Batch], None]
    ) -> Generator[Batch]:
        """See ``EncodingBackend.encode``."""
        parts = [work[start : start + BATCH] for start in range(0, len(work), BATCH)]
        yield from _prefetch(photo_encoder.batch, parts, keep)


def _prefetch(
    encode: Callable[[Sequence[PhotoEntry]], Batch],
    parts: Iterable[Sequence[PhotoEntry]],
    keep: Callable[[Batch], None],
) -> Generator[Batch]:
    """Encode in threads, at most ``_AHEAD`` parts for each thread ahead; every part that gets done is kept.

    Parts come as they are done, so that a slow photo holds up no other. When the caller stops, those under way are
    waited for and kept, too; the others are not begun.
    """
    workers = available_cores()
    with ThreadPoolExecutor(workers, thread_name_prefix=_NAME) as pool:
        under_way: set[Future[Batch]] = set()
        seen: set[threading.Thread] = set()
        try:
            for part in parts:
                under_way.add(pool.submit(encode, part))
                seen |= {thread for thread in threading.enumerate() if thread.name.startswith(_NAME)}
                if len(under_way) >= _AHEAD * workers:
                    yield from _completed(under_way, seen, keep)
            while under_way:
                yield from _completed(under_way, seen, keep)
        finally:
            running = {future for future in under_way if not future.cancel()}
            for future in _wait(running, seen, ALL_COMPLETED):
                if future.exception() is None:
                    keep(future.result())


def _completed(
    under_way: set[Future[Batch]], threads: set[threading.Thread], keep: Callable[[Batch], None]
) -> Iterator[Batch]:
    """Wait for at least one, and keep all that are done before the caller hears of any."""
    done = _wait(under_way, threads, FIRST_COMPLETED)
    if not done:
        raise MemoryError("a thread that encodes photos has ended before its time; is memory short?")
    failed = [future for future in done if future.exception() is not None]
    under_way -= done
    batches = [future.result() for future in done if future not in failed]
    for batch in batches:
        keep(batch)
    for future in failed:
        future.result()
    yield from batches


def _wait(futures: set[Future[Batch]], threads: set[threading.Thread], until: str) -> set[Future[Batch]]:
    """Those that are done; fewer than awaited where one of the threads has died, as for want of memory it may."""
    while True:
        found = wait(futures, timeout=_POLL_S, return_when=until)
        if (found.done and until == FIRST_COMPLETED) or not found.not_done:
            return found.done
        if not all(thread.is_alive() for thread in threads):
            return found.done
