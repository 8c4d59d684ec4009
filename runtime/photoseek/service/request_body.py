"""Parsing of requests: a body of JSON, a form with a photo, or fields in the address."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from photoseek.service.errors import ApiError, bad_request
from photoseek.service.limits import MAX_TEXT

Fields = TypeVar("Fields", bound=BaseModel)

FORM = "multipart/form-data"
_JSON = "application/json"
_MAX_FIELDS = 20  # in addition to the photo
_FIELD_BYTES = 4 * MAX_TEXT


class Photo(Protocol):
    """A photo of a request: an upload, or ``Base64Photo``."""

    def read(self) -> bytes:
        """Return the file."""


@dataclass(frozen=True)
class Base64Photo:
    """A photo in JSON, which is decoded in a worker thread."""

    text: str = field(repr=False)

    @classmethod
    def of(cls, text: str | None) -> Base64Photo | None:
        """Return a photo, or None without one."""
        return None if text is None else cls(text)

    def read(self) -> bytes:
        """Return the file.

        Raises:
            ApiError: The text is not base64.
        """
        try:
            return b64decode(self.text, validate=True)
        except ValueError as error:
            message = f"photo: expected a file in base64, without the prefix of a data URL: {error}"
            raise ApiError(422, "invalid_request", message) from error


def media_type(content_type: str) -> str:
    """Return the type of a Content-Type header, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_form(request: Request) -> bool:
    """Return whether a request has a form, and not JSON.

    Raises:
        ApiError: 415, the request has neither.
    """
    return _expect_type(request, _JSON, FORM) == FORM


def expect_json(request: Request) -> None:
    """Raise unless a request has JSON.

    Raises:
        ApiError: 415, the request has something else.
    """
    _expect_type(request, _JSON)


def _expect_type(request: Request, *expected: str) -> str:
    found = media_type(request.headers.get("content-type", ""))
    if found not in expected:
        message = f"expected {' or '.join(expected)}, found {found or 'no type'!r}"
        raise ApiError(415, "unsupported_media_type", message)
    return found


async def read_json(request: Request, model: type[Fields]) -> Fields:
    """Return the body as a model.

    Raises:
        ApiError: The body is invalid or exceeds a limit.
    """
    return _validate(model.model_validate_json, await request.body())


def read_query(request: Request, model: type[Fields], names: Mapping[str, str]) -> Fields:
    """Return the query of the address as a model; ``names`` maps names in the address to those of fields.

    Raises:
        ApiError: A field is unknown, repeated or invalid.
    """
    fields: dict[str, str] = {}
    for given, value in request.query_params.multi_items():
        if given in names.values():
            name = next(each for each, field in names.items() if field == given)
            raise ApiError(422, "invalid_request", f"{given}: expected the parameter {name!r} instead")
        if (name := names.get(given, given)) in fields:
            raise ApiError(422, "invalid_request", f"{given}: expected one parameter of this name")
        fields[name] = value
    return _validate(model.model_validate_strings, _without_empty(fields, model))


@asynccontextmanager
async def read_form(request: Request, model: type[Fields]) -> AsyncIterator[tuple[Fields, UploadFile | None]]:
    """Yield the fields of a form and its photo, if any; a large photo is on disk until the block ends.

    Raises:
        ApiError: The form is invalid, exceeds a limit or has no field.
    """
    form = await _form(request)
    try:
        if not form:
            raise ApiError(422, "invalid_request", "expected a form with at least one field")
        fields = _without_empty(_text_fields(form), model)
        photo = form.get("photo")
        yield _validate(model.model_validate_strings, fields), photo if _is_chosen(photo) else None
    finally:
        await form.close()


def expect_photo(photo: UploadFile | None) -> UploadFile:
    """Return the photo of a form.

    Raises:
        ApiError: 422, the form has none.
    """
    if photo is None:
        raise ApiError(422, "invalid_request", "photo: expected a file in the form's field 'photo'")
    return photo


def _is_chosen(photo: UploadFile | str | None) -> TypeGuard[UploadFile]:
    """Return whether a file was chosen; browsers send a file without name and content if none was."""
    return isinstance(photo, UploadFile) and bool(photo.filename or photo.size)


def _without_empty(fields: dict[str, str], model: type[BaseModel]) -> dict[str, str]:
    """Return the fields that were filled in: HTML forms also send the others. Unknown fields stay, and are refused."""
    return {name: value for name, value in fields.items() if value or name not in model.model_fields}


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_FIELD_BYTES)
    except HTTPException as error:  # raised by Starlette for an invalid form
        raise ApiError(422, "invalid_request", f"invalid form: {error.detail}") from error


def _text_fields(form: FormData) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        if name in fields or (name == "photo") != isinstance(value, UploadFile):
            raise ApiError(422, "invalid_request", f"{name}: expected one field of this name")
        if isinstance(value, str):
            fields[name] = value
    return fields


def _validate(validate: Callable[[Any], Fields], body: Any) -> Fields:
    try:
        return validate(body)
    except ValidationError as error:
        raise bad_request(error) from error
