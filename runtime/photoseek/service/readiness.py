"""Check that the gallery opens and responds."""

from __future__ import annotations

import asyncio
import logging
import time

from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.service.backend import Backend
from photoseek.service.errors import ApiError

_log = logging.getLogger(__name__)

_WARM_UP = "a photo"


class Readiness:
    """Query the gallery once for all callers, and reuse the result.

    This limits the load of the health endpoints, which need no token.

    Attributes:
        degraded: Whether the index is damaged, and exact search replaces it.
    """

    def __init__(self, backend: Backend, max_age_s: float) -> None:
        """Create the check; a result is reused for ``max_age_s`` seconds."""
        self.degraded = False
        self._backend = backend
        self._max_age_s = max_age_s
        self._lock = asyncio.Lock()
        self._checked: float | None = None
        self._result: Snapshot | ApiError = ApiError(503, "not_ready", "the gallery has not been checked yet")

    async def check(self) -> Snapshot:
        """Return the current generation.

        Raises:
            ApiError: 503, the gallery does not respond.
        """
        async with self._lock:
            if self._checked is None or time.monotonic() - self._checked >= self._max_age_s:
                self._result = await self._probe()
                self._checked = time.monotonic()
        if isinstance(self._result, ApiError):
            raise self._result
        return self._result

    async def _probe(self) -> Snapshot | ApiError:
        try:
            result: Snapshot | ApiError = await self._backend.run(self._query)
        except ApiError as error:
            result = ApiError(503, "not_ready", error.message)
        except Exception:  # a missing bundle, a failed disk, ...: the service is not ready
            _log.exception("not ready")
            result = ApiError(503, "not_ready", "the gallery does not respond; see the server log for details")
        self._backend.metrics.ready.set(not isinstance(result, ApiError))
        return result

    def _query(self) -> Snapshot:
        """Search as a request does; the first call loads every text tower."""
        searcher = self._backend.searcher
        query = searcher.query(_WARM_UP)  # cached: encoded once
        for language in searcher.bundle.languages:
            searcher.query(_WARM_UP, language=language)
        if self._backend.reranker is not None:
            self._backend.reranker.query(_WARM_UP)
        snapshot = self._backend.nearest(searcher, query, 1)[1]
        self.degraded = searcher.damage is not None
        return snapshot
