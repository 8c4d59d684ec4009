"""``/v1/search``, ``/v1/describe`` and ``/v1/embed``."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request

from photoseek.service.backend import Backend
from photoseek.service.errors import documented
from photoseek.service.request_body import is_form, read_form, read_json, read_query
from photoseek.service.schemas import (
    DescribeAnswer,
    DescribeRequest,
    EmbedAnswer,
    EmbedForm,
    EmbedRequest,
    SearchAnswer,
    SearchRequest,
    body_schema,
    query_parameters,
)

_ERRORS = documented(400, 401, 403, 408, 413, 414, 415, 422, 429, 431, 503)


def query_routes(backend: Backend) -> APIRouter:
    """Return the routes that run a tower. Each parses its body itself: FastAPI has no body that is JSON or a form."""
    router = APIRouter(tags=["queries"], responses=_ERRORS)

    @router.post("/v1/search", openapi_extra=body_schema(SearchRequest, SearchRequest, {"text": "two dogs", "k": 5}))
    async def search(request: Request) -> SearchAnswer:
        """Search by text, photo or both. Send a text as JSON, or a photo as a form."""
        if not is_form(request):
            return await backend.search(await read_json(request, SearchRequest))
        async with read_form(request, SearchRequest) as (fields, photo):
            return await backend.search(fields, photo.file)

    @router.post("/v1/describe", openapi_extra=body_schema(DescribeRequest, DescribeRequest, {"similar_to": "a/b.jpg"}))
    async def describe(request: Request) -> DescribeAnswer:
        """Return the captions that describe a photo best: one of the gallery (JSON), or an upload (form)."""
        if not is_form(request):
            return await backend.describe(await read_json(request, DescribeRequest))
        async with read_form(request, DescribeRequest) as (fields, photo):
            return await backend.describe(fields, photo.file)

    @router.post("/v1/embed", openapi_extra=body_schema(EmbedRequest, EmbedForm, {"texts": ["two dogs", "a beach"]}))
    async def embed(request: Request) -> EmbedAnswer:
        """Return the unit vectors of texts (JSON) or of a photo (form)."""
        if not is_form(request):
            return await backend.embed(await read_json(request, EmbedRequest))
        async with read_form(request, EmbedForm) as (_, photo):
            return await backend.embed_photo(photo.file)

    @router.get("/v1/search", openapi_extra=query_parameters(SearchRequest, {"text": "q"}))
    async def search_by_address(request: Request) -> SearchAnswer:
        """Search by the fields in the address, of which `q` is the text."""
        return await backend.search(read_query(request, SearchRequest, {"q": "text"}))

    return router
