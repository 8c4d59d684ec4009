"""``GET /v1/folders``."""

from __future__ import annotations

from fastapi import APIRouter

from photoseek.service.backend import Backend
from photoseek.service.errors import documented
from photoseek.service.schemas import FoldersAnswer

_ERRORS = documented(400, 401, 403, 414, 429, 431, 503)


def folder_routes(backend: Backend) -> APIRouter:
    """Return the route that lists the folders of the gallery."""
    router = APIRouter(tags=["photos"], responses=_ERRORS)

    @router.get("/v1/folders", summary="List folders", response_description="The folders, in order.")
    async def folders() -> FoldersAnswer:
        """Return the folders that contain photos, each with its number of photos, for the filter `folder`."""
        return await backend.folders()

    return router
