"""``GET /v1/photos/{id}`` and its thumbnail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from pydantic import BeforeValidator
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.gallery.database.pixel_limit import max_pixels
from photoseek.gallery.thumbnails import SIDE, thumbnail
from photoseek.photos.photo_file import StoredPhoto
from photoseek.search.searcher import Searcher
from photoseek.service.backend import Backend
from photoseek.service.errors import ApiError, documented, photo_problem, service_unavailable
from photoseek.service.limits import MAX_ID, MAX_SIDE, MIN_SIDE
from photoseek.service.middleware import is_head
from photoseek.service.photo_files import PhotoContent, find_photo

_ERRORS = documented(400, 401, 403, 404, 414, 422, 429, 431, 503)
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not modified."}}
_PHOTO = {"schema": {"type": "string", "format": "binary"}}
_NUMBER = re.compile("[1-9][0-9]*")
_CACHE_CONTROL = "private, max-age=3600"  # private: no shared cache may serve it to other clients


def _canonical(text: str) -> str:
    """Accept one way to write a number, so that a photo has one address."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("expected the digits of an id")
    return text


PhotoId = Annotated[int, BeforeValidator(_canonical), InPath(ge=1, le=MAX_ID, description="The `id` of a hit.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="ETag of the client's copy.")]
Side = Annotated[int, Query(ge=MIN_SIDE, le=MAX_SIDE, description="Maximum length of the longer side, in pixels.")]


def _sends(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {media_type: _PHOTO}}}


def photo_routes(backend: Backend) -> APIRouter:
    """Return the routes that send photos."""
    router = APIRouter(tags=["photos"], responses=_ERRORS | _UNCHANGED, default_response_class=Response)

    @router.get("/v1/photos/{id}", summary="Get a photo", responses=_sends("image/*", "The file."))
    async def photo(id: PhotoId, etag: IfNoneMatch = None) -> Response:  # noqa: A002 the name in the address
        """Return the original file of a photo."""
        return await backend.run(lambda: _original(find_photo(backend.searcher, id), etag))

    @router.get("/v1/photos/{id}/thumbnail", summary="Get a thumbnail", responses=_sends("image/jpeg", "The JPEG."))
    async def photo_thumbnail(id: PhotoId, side: Side = SIDE, etag: IfNoneMatch = None) -> Response:  # noqa: A002
        """Return a photo as an upright JPEG."""
        return await backend.run(lambda: _thumbnail(backend.searcher, id, side, etag))

    return router


def _original(found: PhotoContent, etag: str | None) -> Response:
    headers = _headers(found.etag())
    if _is_current(found.etag(), etag):
        return Response(status_code=304, headers=headers)
    headers |= {"Accept-Ranges": "none"}
    if not isinstance(found.file, Path):
        return _streamed(found, found.file, headers)
    return _WholeFile(
        found.file,
        headers=headers,
        media_type=found.media_type(),
        filename=found.name,
        stat_result=found.status,
        content_disposition_type="inline",
    )


def _streamed(found: PhotoContent, photo: StoredPhoto, headers: dict[str, str]) -> Response:
    """Return an object, sent block by block as its storage delivers it."""
    media_type = found.media_type()
    try:
        blocks = photo.iter_chunks()
    except PhotoError as error:
        raise ApiError(404, "photo_missing", "the file of this photo no longer exists") from error
    name = f"inline; filename*=utf-8''{quote(found.name)}"
    return StreamingResponse(blocks, headers=headers | {"Content-Disposition": name}, media_type=media_type)


def _thumbnail(searcher: Searcher, photo: int, side: int, etag: str | None) -> Response:
    found = find_photo(searcher, photo)
    current = found.etag(f"-{side}")
    if _is_current(current, etag):
        return Response(status_code=304, headers=_headers(current))
    try:
        jpeg = thumbnail(found.file, side, max_pixels(searcher.gallery.database))
    except PhotoUnreachable as error:
        raise service_unavailable(error) from error
    except PhotoError as error:
        raise ApiError(404, "photo_missing", f"cannot read this photo: {photo_problem(error)}") from error
    return Response(jpeg, headers=_headers(current), media_type="image/jpeg")


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": _CACHE_CONTROL}


def _is_current(etag: str, if_none_match: str | None) -> bool:
    """Compare ETags weakly, as in RFC 9110, section 13.1.2."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or "*" in tags


class _WholeFile(FileResponse):
    """A file without range support; the errors of Starlette's ranges have another format. It is not read for HEAD."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"range"]
        method = "HEAD" if is_head(scope) else scope["method"]
        await super().__call__({**scope, "headers": headers, "method": method}, receive, send)
