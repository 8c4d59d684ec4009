"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run the service."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from photoseek.service.backend import Backend
from photoseek.service.errors import ApiError, documented
from photoseek.service.readiness import Readiness
from photoseek.service.schemas import Alive, Ready

_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def operation_routes(backend: Backend, readiness: Readiness) -> APIRouter:
    """The routes that tell of the service itself."""
    router = APIRouter(tags=["operation"], responses=documented(400, 403, 414, 431))

    @router.get("/healthz")
    async def alive() -> Alive:
        """The process answers; whether the gallery does, `/readyz` tells."""
        return Alive()

    @router.get("/readyz", responses=documented(503))
    async def ready() -> Ready:
        """The gallery opens and answers."""
        generation = await readiness.check()
        status: Literal["ready", "degraded"] = "degraded" if readiness.degraded else "ready"
        return Ready(status=status, generation=generation.path.name, photos=len(generation.ids))

    @router.get("/metrics", responses=documented(401) | _TEXT)
    async def metrics() -> Response:
        """Counters and clocks in the text format of Prometheus."""
        with suppress(ApiError):  # photoseek_ready tells
            await readiness.check()  # sees a gallery that was indexed again, even if nobody searches
        return Response(backend.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
