"""What goes wrong, as JSON of one shape: ``{"error": {"code": "...", "message": "..."}}``.

Messages of the library that may name a folder of this computer go to the log, and never to the caller.
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

_MESSAGE = 500  # characters
_CLOSED = 499  # for /metrics alone; nginx logs the same number


class ErrorBody(BaseModel):
    """A word for programs and a sentence for people."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorBody


class ApiError(Exception):
    """A request that is not answered as asked, and how the caller is told."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def response(self) -> JSONResponse:
        """What is sent."""
        body = ErrorResponse(error=ErrorBody(code=self.code, message=self.message[:_MESSAGE]))
        return JSONResponse(body.model_dump(), self.status, self.headers)


def service_unavailable(error: Exception) -> ApiError:
    """Gallery or bundle cannot answer now; why is in the log alone."""
    if isinstance(error, GalleryEmpty):
        return ApiError(503, "gallery_empty", "nothing is indexed yet; run: photoseek index PHOTOS")
    _log.warning("cannot answer: %s", error)
    return ApiError(503, "unavailable", "the gallery cannot answer now; the log of the server says why")


def bad_request(error: ValidationError | RequestValidationError) -> ApiError:
    """The first thing that is wrong with the fields of a request."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return ApiError(422, "invalid_request", f"{place}: {first['msg']}" if place else str(first["msg"]))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These errors, for the OpenAPI description of a route."""
    return {status: {"model": ErrorResponse, "description": HTTPStatus(status).phrase} for status in statuses}


def add_handlers(app: FastAPI) -> None:
    """Have every error answered in the one shape."""
    app.add_exception_handler(Exception, _answer)
    for kind in (ApiError, PhotoseekError, HTTPException, RequestValidationError, ClientDisconnect):
        app.add_exception_handler(kind, _answer)


async def _answer(_: Request, error: Exception) -> JSONResponse:
    return _refusal(error).response()


def _refusal(error: Exception) -> ApiError:
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
        case ClientDisconnect():  # nobody reads this; as an unexpected error, it would fill the log with tracebacks
            return ApiError(_CLOSED, "client_closed", "the client closed the connection before the request had arrived")
        case HTTPException():
            code = HTTPStatus(error.status_code).name.lower()
            return ApiError(error.status_code, code, str(error.detail), error.headers)
    return ApiError(500, "internal", "something went wrong that was not foreseen; the log of the server says what")
