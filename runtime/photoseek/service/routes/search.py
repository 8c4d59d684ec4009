"""``/v1/search``, ``/v1/search/batch``, ``/v1/describe`` and ``/v1/embed``."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request

from photoseek.service.backend import Backend
from photoseek.service.errors import documented
from photoseek.service.openapi import body_schema, query_parameters
from photoseek.service.request_body import (
    Base64Photo,
    expect_json,
    expect_photo,
    is_form,
    read_form,
    read_json,
    read_query,
)
from photoseek.service.schemas import (
    BatchAnswer,
    DescribeAnswer,
    DescribeJson,
    DescribeRequest,
    EmbedAnswer,
    EmbedForm,
    EmbedRequest,
    SearchAnswer,
    SearchBatch,
    SearchJson,
    SearchRequest,
)

_ERRORS = documented(400, 401, 403, 408, 413, 414, 415, 422, 429, 431, 503)

_SEARCH = body_schema(SearchJson, SearchRequest, {"text": "two dogs", "k": 5})
_BATCH = body_schema(SearchBatch, None, {"queries": [{"text": "two dogs"}, {"text": "a beach", "taken_from": "2024"}]})
_DESCRIBE = body_schema(DescribeJson, DescribeRequest, {"similar_to": "a/b.jpg"})
_EMBED = body_schema(EmbedRequest, EmbedForm, {"texts": ["two dogs", "a beach"]})


def query_routes(backend: Backend) -> APIRouter:
    """Return the routes that run a tower. Each parses its body itself: FastAPI has no body that is JSON or a form."""
    router = APIRouter(tags=["queries"], responses=_ERRORS)
    _add_searches(router, backend)
    _add_descriptions(router, backend)
    return router


def _add_searches(router: APIRouter, backend: Backend) -> None:
    @router.post("/v1/search", summary="Search", response_description="The hits, best first.", openapi_extra=_SEARCH)
    async def search(request: Request) -> SearchAnswer:
        """Search by text, photo or both. Send a photo in a form, or in JSON as base64."""
        if not is_form(request):
            query = await read_json(request, SearchJson)
            return await backend.search(query, Base64Photo.of(query.photo))
        async with read_form(request, SearchRequest) as (fields, photo):
            return await backend.search(fields, None if photo is None else photo.file)

    @router.post(
        "/v1/search/batch",
        summary="Search several times",
        response_description="The answers, in the order of the queries.",
        openapi_extra=_BATCH,
    )
    async def search_batch(request: Request) -> BatchAnswer:
        """Answer several queries. If one of them is invalid, the error names it, and none is answered."""
        expect_json(request)
        return await backend.search_batch(await read_json(request, SearchBatch))

    @router.get(
        "/v1/search",
        summary="Search by address",
        response_description="The hits, best first.",
        openapi_extra=query_parameters(SearchRequest, {"text": "q"}),
    )
    async def search_by_address(request: Request) -> SearchAnswer:
        """Search by the fields in the address, of which `q` is the text."""
        return await backend.search(read_query(request, SearchRequest, {"q": "text"}))


def _add_descriptions(router: APIRouter, backend: Backend) -> None:
    @router.post(
        "/v1/describe",
        summary="Describe a photo",
        response_description="The captions, best first.",
        openapi_extra=_DESCRIBE,
    )
    async def describe(request: Request) -> DescribeAnswer:
        """Return the captions of the gallery that describe a photo best: one of the gallery, or an upload."""
        if not is_form(request):
            query = await read_json(request, DescribeJson)
            return await backend.describe(query, Base64Photo.of(query.photo))
        async with read_form(request, DescribeRequest) as (fields, photo):
            return await backend.describe(fields, None if photo is None else photo.file)

    @router.post(
        "/v1/embed",
        summary="Embed texts or a photo",
        response_description="Unit vectors, in the order of the texts.",
        openapi_extra=_EMBED,
    )
    async def embed(request: Request) -> EmbedAnswer:
        """Return the unit vectors of texts or of a photo."""
        if not is_form(request):
            query = await read_json(request, EmbedRequest)
            photo = Base64Photo.of(query.photo)
            return await (backend.embed(query) if photo is None else backend.embed_photo(photo))
        async with read_form(request, EmbedForm) as (_, upload):
            return await backend.embed_photo(expect_photo(upload).file)
