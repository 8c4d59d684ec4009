"""Errors of the HTTP API, as JSON of one format: ``{"error": {"code": "...", "message": "..."}}``.

Messages of the library that may contain a folder of this computer are logged, and never sent.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from photoseek.errors import GalleryEmpty, PhotoError, PhotoNeedsExtra, PhotoseekError, QueryError

_log = logging.getLogger(__name__)

_MAX_MESSAGE = 500  # characters
_CLIENT_CLOSED = 499  # only in /metrics; nginx logs the same status

_EXAMPLES = {
    400: ("unknown_host", "unknown host name in the request's Host header; see --address"),
    401: ("unauthorized", "expected the header Authorization: Bearer TOKEN, with the token of this server"),
    403: ("cross_site", "cross-origin request: expected the token of this server, or an origin of its option --cors"),
    404: ("not_found", "no photo 12 in this gallery"),
    408: ("request_timeout", "expected the complete body within 20.0 seconds, found 5,120 bytes"),
    409: ("already_indexing", "this service is indexing already; watch it with GET, or stop it with DELETE"),
    413: ("too_large", "expected a request body of at most 100,000,000 bytes"),
    414: ("target_too_long", "expected a request target of at most 8,192 bytes, found 9,001"),
    415: ("unsupported_media_type", "expected application/json or multipart/form-data, found 'text/plain'"),
    422: ("invalid_request", "k: Input should be less than or equal to 100"),
    429: ("too_many_requests", "expected at most 128 concurrent requests per client; retry in a second"),
    431: ("headers_too_large", "expected at most 100 headers with 16,384 bytes in total, found 101 with 2,020 bytes"),
    503: ("gallery_empty", "nothing is indexed yet; run: photoseek index PHOTOS"),
}


class ErrorBody(BaseModel):
    """A code for programs and a message for people."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """Body of every error response."""

    error: ErrorBody


class ApiError(Exception):
    """An error response: status, code, message and headers."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the response."""
        body = ErrorResponse(error=ErrorBody(code=self.code, message=self.message[:_MAX_MESSAGE]))
        return JSONResponse(body.model_dump(), self.status, self.headers)


def service_unavailable(error: Exception) -> ApiError:
    """Return a 503 for a gallery or bundle that cannot respond now; only the log contains the reason."""
    if isinstance(error, GalleryEmpty):
        return ApiError(503, "gallery_empty", "nothing is indexed yet; run: photoseek index PHOTOS")
    _log.warning("cannot respond: %s", error)
    return ApiError(503, "unavailable", "the gallery cannot respond now; see the server log for details")


def photo_problem(error: PhotoError) -> str:
    """Return why a photo cannot be read, for a client, which cannot install an extra on this server."""
    return f"{error.kind}: this server does not read this format" if isinstance(error, PhotoNeedsExtra) else str(error)


def bad_request(error: ValidationError | RequestValidationError) -> ApiError:
    """Return a 422 with the first invalid field of a request."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return ApiError(422, "invalid_request", f"{field}: {first['msg']}" if field else str(first["msg"]))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these error statuses of a route."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    code, message = _EXAMPLES[status]
    example = ErrorResponse(error=ErrorBody(code=code, message=message)).model_dump()
    content = {"application/json": {"example": example}}
    return {"model": ErrorResponse, "description": HTTPStatus(status).phrase, "content": content}


def add_handlers(app: FastAPI) -> None:
    """Send every error in the one format."""
    for kind in (Exception, ApiError, PhotoseekError, HTTPException, RequestValidationError, ClientDisconnect):
        app.add_exception_handler(kind, _handle)


async def _handle(_: Request, error: Exception) -> JSONResponse:
    return as_api_error(error).response()


def as_api_error(error: Exception) -> ApiError:
    """Return the response to an error."""
    match error:
        case ApiError():
            return error
        case PhotoError():
            return ApiError(422, "unreadable_photo", photo_problem(error))
        case QueryError():
            return ApiError(422, "invalid_query", str(error))
        case PhotoseekError():
            return service_unavailable(error)
        case RequestValidationError():
            return bad_request(error)
        case ClientDisconnect():  # not an unexpected error, which would log a traceback
            return ApiError(_CLIENT_CLOSED, "client_closed", "the client disconnected before its request was complete")
        case HTTPException():
            code = HTTPStatus(error.status_code).name.lower()
            return ApiError(error.status_code, code, str(error.detail), error.headers)
    return ApiError(500, "internal", "unexpected error; see the server log for details")
