"""``/v1/index``: indexing, for clients with the permission."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer
from starlette.requests import Request

from photoseek.service.errors import ApiError, documented
from photoseek.service.indexing import Indexing
from photoseek.service.middleware import expect_may_index
from photoseek.service.status_schemas import IndexStatus

_ERRORS = documented(400, 401, 403, 414, 429, 431, 503)
_PERMISSION = [Depends(HTTPBearer(auto_error=False)), Depends(expect_may_index)]


def index_routes(indexing: Indexing) -> APIRouter:
    """Return the routes that start, watch and stop the indexing of the service's own gallery."""
    router = APIRouter(tags=["indexing"], responses=_ERRORS, dependencies=_PERMISSION)

    @router.post(
        "/v1/index",
        summary="Start indexing",
        status_code=202,
        response_description="Indexing has started.",
        responses=documented(408, 409, 413, 422),
    )
    async def start_indexing(request: Request) -> IndexStatus:
        """Update the gallery from its photo folder, as `photoseek index` does. The request has no body."""
        if await request.body():
            raise ApiError(422, "invalid_request", "expected no body")
        return indexing.start()

    @router.get("/v1/index", summary="Watch indexing", response_description="The current or the last run.")
    async def index_status() -> IndexStatus:
        """Return the progress of the current run, or how the last one ended."""
        return indexing.status()

    @router.delete("/v1/index", summary="Stop indexing", response_description="The current or the last run.")
    async def stop_indexing() -> IndexStatus:
        """Stop after the current batch. Encoded photos are kept, and the next run resumes."""
        return indexing.stop()

    return router
