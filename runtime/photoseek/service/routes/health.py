"""``/``, ``/version``, ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from photoseek.service.backend import Backend
from photoseek.service.errors import ApiError, documented
from photoseek.service.readiness import Readiness
from photoseek.service.status_schemas import About, Alive, Ready, Version

_METRICS = {"schema": {"type": "string"}, "example": "photoseek_ready 1.0\nphotoseek_gallery_photos 120.0\n"}
_TEXT: dict[int | str, dict[str, Any]] = {200: {"description": "The metrics.", "content": {"text/plain": _METRICS}}}


def operation_routes(backend: Backend, readiness: Readiness) -> APIRouter:
    """Return the routes that report the state of the service."""
    router = APIRouter(tags=["operation"], responses=documented(400, 403, 414, 431))

    @router.get("/", summary="About", response_description="What answers here.", responses=documented(401))
    async def about() -> About:
        """Return what this is, and where its description is."""
        return About()

    @router.get("/version", summary="Version", response_description="The version.", responses=documented(401))
    async def version() -> Version:
        """Return the version of photoseek."""
        return Version()

    @router.get("/healthz", summary="Is it alive?", response_description="The process responds.")
    async def alive() -> Alive:
        """Report that the process responds; `/readyz` reports whether the gallery does."""
        return Alive()

    @router.get(
        "/readyz", summary="Is it ready?", response_description="The gallery responds.", responses=documented(503)
    )
    async def ready() -> Ready:
        """Report that the gallery opens and responds."""
        generation = await readiness.check()
        status: Literal["ready", "degraded"] = "degraded" if readiness.degraded else "ready"
        return Ready(status=status, generation=generation.path.name, photos=len(generation.ids))

    @router.get("/metrics", summary="Metrics", response_class=Response, responses=documented(401) | _TEXT)
    async def metrics() -> Response:
        """Return all metrics in the text format of Prometheus."""
        with suppress(ApiError):  # reported as photoseek_ready
            await readiness.check()  # detects a gallery that was indexed again, even without searches
        return Response(backend.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
