"""Whether the gallery opens and answers."""

from __future__ import annotations

import asyncio
import logging
import time

from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.service.backend import Backend
from photoseek.service.errors import ApiError

_log = logging.getLogger(__name__)

_FRESH_S = 1.0  # an answer of this age is given again: health endpoints are open, and must not be a load
_WARM_UP = "a photo"


class Readiness:
    """Asks the gallery, one caller for all, at most once a second."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = asyncio.Lock()
        self._asked = -_FRESH_S
        self.degraded = False
        self._found: Snapshot | ApiError = ApiError(503, "not_ready", "not asked yet")

    async def check(self) -> Snapshot:
        """The generation that answers.

        Raises:
            Refusal: 503, none does.
        """
        async with self._lock:
            if time.monotonic() - self._asked >= _FRESH_S:
                self._found = await self._probe()
                self._asked = time.monotonic()
        if isinstance(self._found, ApiError):
            raise self._found
        return self._found

    async def _probe(self) -> Snapshot | ApiError:
        try:
            found: Snapshot | ApiError = await self._backend.workers.run(self._answer)
        except ApiError as refusal:
            found = ApiError(503, "not_ready", refusal.message)
        except Exception:  # a bundle that was taken away, a disk that went: whatever it is, the service is not ready
            _log.exception("not ready")
            found = ApiError(503, "not_ready", "the gallery does not answer; the log of the server says why")
        self._backend.metrics.ready.set(not isinstance(found, ApiError))
        return found

    def _answer(self) -> Snapshot:
        """As a search does it; the first time this loads every text tower."""
        searcher = self._backend.searcher
        query = searcher.query(_WARM_UP)  # cached: encoded once
        for language in searcher.bundle.languages:
            searcher.query(_WARM_UP, language=language)
        if self._backend.reranker is not None:
            self._backend.reranker.query(_WARM_UP)
        snapshot = self._backend.nearest(searcher, query, 1)[1]
        self.degraded = searcher.damage is not None
        return snapshot
