"""Searches from asynchronous code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack

from photoseek.errors import MissingExtra
from photoseek.gallery.filters import Filter
from photoseek.photos.decode import PhotoInput
from photoseek.search.backend import SearchBackend
from photoseek.search.hits import Hit
from photoseek.search.name_query import Names
from photoseek.system.cpu import available_cores

if TYPE_CHECKING:
    from anyio import CapacityLimiter

Result = TypeVar("Result")


class ManyOptions(TypedDict, total=False):
    """Options of ``SearchBackend.search_many``."""

    k: int
    language: str | None
    where: Filter | None
    group_duplicates: bool
    names: Names


class SearchOptions(ManyOptions, total=False):
    """Options of ``SearchBackend.search``."""

    photo: PhotoInput | None
    similar_to: str | None


class AsyncSearcher:
    """Searches in worker threads, for asyncio and Trio, so that the event loop never blocks.

    An ``async with`` block closes the searcher at its end. A canceled search ends before its task does: it takes
    milliseconds, and its thread is needed for the next one.

    Attributes:
        searcher: The searcher or reranker.
    """

    def __init__(self, searcher: SearchBackend, *, threads: int | None = None) -> None:
        """Create the searcher.

        Args:
            searcher: Preferably in the mode ``service``, in which each run of a tower uses one core.
            threads: Maximum number of concurrent searches; others wait. None: as many as there are cores.

        Raises:
            MissingExtra: anyio is not installed.
        """
        try:
            import anyio.to_thread  # noqa: F401 when it is missing, raises here and not in the first query
        except ImportError as error:
            raise MissingExtra("AsyncSearcher needs anyio; install it with: pip install anyio") from error
        self.searcher = searcher
        self._threads = threads or available_cores()
        self._limiter: CapacityLimiter | None = None

    def __repr__(self) -> str:
        return f"AsyncSearcher({self.searcher!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._run(self.searcher.close)

    async def search(self, text: str | None = None, **options: Unpack[SearchOptions]) -> list[Hit]:
        """Return the photos that match a query best; arguments and errors are those of ``Searcher.search``."""
        return await self._run(partial(self.searcher.search, text, **options))

    async def search_many(self, texts: Sequence[str], **options: Unpack[ManyOptions]) -> list[list[Hit]]:
        """Return the hits of each text; arguments and errors are those of ``Searcher.search_many``."""
        return await self._run(partial(self.searcher.search_many, texts, **options))

    async def _run(self, work: Callable[[], Result]) -> Result:
        import anyio.to_thread

        if self._limiter is None:  # created inside the event loop
            self._limiter = anyio.CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)
