"""``GET /v1/photos/{id}`` and its thumbnail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.gallery.thumbnails import SIDE, thumbnail
from photoseek.photos.photo_file import StoredPhoto
from photoseek.service.backend import Backend
from photoseek.service.errors import ApiError, documented, service_unavailable
from photoseek.service.limits import MAX_SIDE, MIN_SIDE
from photoseek.service.photo_files import PhotoContent, original

_REFUSED = documented(400, 401, 403, 404, 414, 422, 429, 431, 503)
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "As the caller has it already."}}
_PHOTO = {"schema": {"type": "string", "format": "binary"}}
_KEEP = "private, max-age=3600"  # private: no cache between server and caller may hand it to others

PhotoId = Annotated[str, InPath(pattern="^[1-9][0-9]{0,17}$", description="The `id` of a hit.")]
Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of what the caller has.")]
Side = Annotated[int, Query(ge=MIN_SIDE, le=MAX_SIDE, description="The longer side, at most, in pixels.")]


def picture_routes(backend: Backend) -> APIRouter:
    """The routes that hand out files."""
    router = APIRouter(tags=["photos"], responses=_REFUSED | _UNCHANGED, default_response_class=Response)

    @router.get("/v1/photos/{id}", responses={200: {"content": {"image/*": _PHOTO}}})
    async def photo(id: PhotoId, known: Known = None) -> Response:  # noqa: A002 the name in the address
        """A photo as it lies on disk."""
        return await backend.workers.run(lambda: _original(_find(backend, id), known))

    @router.get("/v1/photos/{id}/thumbnail", responses={200: {"content": {"image/jpeg": _PHOTO}}})
    async def small(id: PhotoId, side: Side = SIDE, known: Known = None) -> Response:  # noqa: A002
        """A photo as a JPEG, upright."""
        return await backend.workers.run(lambda: _thumbnail(_find(backend, id), side, known))

    return router


def _find(backend: Backend, photo: str) -> PhotoContent:
    return original(backend.searcher, int(photo))


def _original(found: PhotoContent, known: str | None) -> Response:
    headers = _headers(found.etag())
    if _is_known(found.etag(), known):
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
    """An object, handed on block by block as it comes from its storage; as much as it had when it was looked at."""
    media_type = found.media_type()
    try:
        blocks = photo.iter_chunks()
    except PhotoError as error:
        raise ApiError(404, "photo_gone", "the file of this photo is gone") from error
    name = f"inline; filename*=utf-8''{quote(found.name)}"
    return StreamingResponse(blocks, headers=headers | {"Content-Disposition": name}, media_type=media_type)


def _thumbnail(found: PhotoContent, side: int, known: str | None) -> Response:
    etag = found.etag(f"-{side}")
    if _is_known(etag, known):
        return Response(status_code=304, headers=_headers(etag))
    try:
        jpeg = thumbnail(found.file, side)
    except PhotoUnreachable as error:
        raise service_unavailable(error) from error
    except PhotoError as error:
        raise ApiError(404, "photo_gone", f"this photo cannot be shown: {error}") from error
    return Response(jpeg, headers=_headers(etag), media_type="image/jpeg")


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": _KEEP}


def _is_known(etag: str, known: str | None) -> bool:
    """By the weak comparison of RFC 9110, section 13.1.2."""
    tags = [tag.strip().removeprefix("W/") for tag in (known or "").split(",")]
    return etag in tags or "*" in tags


class _WholeFile(FileResponse):
    """A file without ranges, whose errors are of another shape than those of this service."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)
