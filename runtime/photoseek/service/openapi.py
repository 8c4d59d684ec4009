"""The OpenAPI description of bodies and addresses that the routes parse themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from photoseek.service.schemas import (
    DescribeJson,
    DescribeRequest,
    EmbedForm,
    EmbedRequest,
    Request,
    SearchBatch,
    SearchJson,
    SearchRequest,
)

_PREFIX = "#/components/schemas/"
_JSON = (SearchJson, SearchBatch, DescribeJson, EmbedRequest)
_FORMS: dict[type[Request], str] = {
    SearchRequest: "SearchForm",
    DescribeRequest: "DescribeForm",
    EmbedForm: "EmbedForm",
}
_PHOTO = {"type": "string", "format": "binary", "description": "The file of a photo."}


def body_schema(fields: type[Request], form: type[Request] | None, example: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a body that is JSON, or a form with the fields of ``form`` and a photo."""
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": _PREFIX + fields.__name__}, "example": example}}
    if form is not None:
        content["multipart/form-data"] = {"schema": {"$ref": _PREFIX + _FORMS[form]}}
    # openapi-python-client (0.29) forgets an import where one of two kinds of bodies is required.
    return {"requestBody": {"required": form is None, "content": content}}


def query_parameters(fields: type[Request], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the description of fields in an address; ``names`` are those that differ from the fields'."""
    found = fields.model_json_schema()["properties"].items()
    parameters = [
        {
            "name": names.get(name, name),
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in _in_form(schema).items() if key not in ("description", "default")},
        }
        for name, schema in found
    ]
    return {"parameters": parameters}


def add_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """Add the schemas of bodies to an OpenAPI document, and return it.

    Descriptions name defaults: generators of TypeScript make each property required that has a ``default``.
    """
    models: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in _JSON]
    _, found = models_json_schema(models, ref_template=_PREFIX + "{model}")
    schemas = document["components"]["schemas"]
    schemas |= found["$defs"] | {name: _form(form, name) for form, name in _FORMS.items()}
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            _describe_default(field)
    return document


def _describe_default(field: dict[str, Any]) -> None:
    default = field.pop("default", None)
    if default not in (None, []):
        field["description"] = f"{field.get('description', '')} Default: {json.dumps(default)}.".strip()


def _form(fields: type[Request], title: str) -> dict[str, Any]:
    properties = {name: _in_form(schema) for name, schema in fields.model_json_schema()["properties"].items()}
    return {
        "title": title,
        "type": "object",
        **({} if properties else {"required": ["photo"]}),  # without it, the fields are the query
        "properties": {"photo": _PHOTO, **properties},
        "additionalProperties": False,
    }


def _in_form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field in a form, which has no null: an absent field is omitted."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    return {**rest, **(kinds[0] if kinds else {})}
