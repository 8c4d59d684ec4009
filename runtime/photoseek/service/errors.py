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

from photoseek.errors import GalleryEmpty, PhotoError, PhotoseekError, QueryError

_log = logging.getLogger(__name__)

_MAX_MESSAGE = 500  # characters
_CLIENT_CLOSED = 499  # only in /metrics; nginx logs the same status


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


def bad_request(error: ValidationError | RequestValidationError) -> ApiError:
    """Return a 422 with the first invalid field of a request."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return ApiError(422, "invalid_request", f"{field}: {first['msg']}" if field else str(first["msg"]))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these error statuses of a route."""
    return {status: {"model": ErrorResponse, "description": HTTPStatus(status).phrase} for status in statuses}


def add_handlers(app: FastAPI) -> None:
    """Send every error in the one format."""
    for kind in (Exception, ApiError, PhotoseekError, HTTPException, RequestValidationError, ClientDisconnect):
        app.add_exception_handler(kind, _handle)


async def _handle(_: Request, error: Exception) -> JSONResponse:
    return _api_error(error).response()


def _api_error(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case PhotoError():
            return ApiError(422, "unreadable_photo", str(error))
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
