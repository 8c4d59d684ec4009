"""Responses to valid and invalid requests follow ``/openapi.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, reject, settings, strategies
from schemathesis.specs.openapi.checks import positive_data_acceptance

from photoseek import Gallery, Searcher
from photoseek.service.app import make_app

OPERATIONS = [
    ("/v1/search", "POST"),
    ("/v1/search", "GET"),
    ("/v1/search/batch", "POST"),
    ("/v1/describe", "POST"),
    ("/v1/embed", "POST"),
    ("/v1/folders", "GET"),
    ("/v1/index", "POST"),
    ("/v1/index", "GET"),
    ("/v1/index", "DELETE"),
    ("/v1/photos/{id}", "GET"),
    ("/v1/photos/{id}/thumbnail", "GET"),
    ("/", "GET"),
    ("/version", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
]
INVALID = [each for each in OPERATIONS if each[0].startswith("/v1/") and each[0] not in ("/v1/folders", "/v1/index")]
"""Those of which a request can be invalid."""

INDEX_TOKEN = "fedcba9876543210"


@pytest.fixture(scope="module")
def described(still_photos: Path, still_searcher: Searcher, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The schema of a service that may index its own gallery, called within this process."""
    with Gallery.create(still_photos, still_searcher.bundle, tmp_path_factory.mktemp("indexed") / "gallery") as gallery:
        gallery.index()
        app = make_app(Searcher(gallery, mode="service"), hosts=["*"], index_token=INDEX_TOKEN)
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_operation_is_tested(described: schemathesis.BaseSchema) -> None:
    found = {operation.ok().label for operation in described.get_all_operations()}
    assert found == {f"{method} {path}" for path, method in OPERATIONS}


def test_the_schema_needs_no_gallery(described: schemathesis.BaseSchema) -> None:
    """The documentation is generated from it."""
    document = make_app(cast("Any", None)).openapi()
    assert document["paths"].keys() == described.raw_schema["paths"].keys()


def test_every_operation_and_answer_has_a_summary_and_an_example(described: schemathesis.BaseSchema) -> None:
    document = described.raw_schema
    names = set()
    for path, method in OPERATIONS:
        operation = document["paths"][path][method.lower()]
        names.add(operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        bodies = [operation["requestBody"]["content"].get("application/json", {})] if "requestBody" in operation else []
        for status, answer in operation["responses"].items():
            assert answer["description"] not in ("", "Successful Response"), (path, method, status)
            bodies += [content for kind, content in answer.get("content", {}).items() if not kind.startswith("image/")]
        for body in bodies:
            expect_example(body, document)
    assert len(names) == len(OPERATIONS)


def test_the_camera_is_described_with_an_example(described: schemathesis.BaseSchema) -> None:
    document = described.raw_schema
    parameters = {each["name"]: each for each in document["paths"]["/v1/search"]["get"]["parameters"]}
    schemas = document["components"]["schemas"]
    kinds = [parameters["camera"], *(schemas[name]["properties"]["camera"] for name in ("SearchJson", "SearchForm"))]
    for field in kinds:
        assert field["description"] == "Make and model of the camera."
        assert field.get("schema", field)["examples"] == ["Canon EOS R6"]
    assert schemas["PhotoHit"]["properties"]["camera"]["description"].startswith("Make and model")


def expect_example(body: dict[str, Any], document: dict[str, Any]) -> None:
    """Expect that a body has an example, in its place or in its schema, and that the schema accepts it."""
    name = body["schema"].get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"][name] if name else body["schema"]
    examples = [body["example"]] if "example" in body else schema["examples"]
    for example in examples:
        jsonschema.validate(example, {**schema, "components": document["components"]})
        assert not name or set(example) <= set(schema["properties"])


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_valid_requests_follow_the_schema(described: schemathesis.BaseSchema, path: str, method: str) -> None:
    hold(described[path][method], schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize(("path", "method"), INVALID)
def test_invalid_requests_are_refused_as_in_the_schema(
    described: schemathesis.BaseSchema, path: str, method: str
) -> None:
    hold(described[path][method], schemathesis.GenerationMode.NEGATIVE)


def hold(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode) -> None:
    """Send generated requests, the same in every run, and check each response."""

    @settings(max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=_generated(operation.as_strategy(generation_mode=mode)))
    def holds(case: schemathesis.Case) -> None:
        assume(not _has_list_in_form(case) and not _has_empty_field(case))
        indexes = case.path == "/v1/index"
        answer = case.call(headers={"Authorization": f"Bearer {INDEX_TOKEN}"} if indexes else None)
        if answer.status_code != 414:  # no schema limits the length of an address
            # A schema cannot express that a file is a photo, or that a text is not only spaces.
            case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    holds()


@strategies.composite
def _generated(draw: strategies.DrawFn, cases: strategies.SearchStrategy[schemathesis.Case]) -> schemathesis.Case:
    """Draw a request, except for some invalid forms that schemathesis (4.32) cannot compare with their schema."""
    try:
        return draw(cases)
    except ValueError as error:
        if "Unsupported type: 'Binary'" not in str(error):
            raise
        reject()


def _has_list_in_form(case: schemathesis.Case) -> bool:
    """Return whether a field is a list, which a form sends as that many fields: none and one are valid."""
    is_form = case.media_type == "multipart/form-data" and isinstance(case.body, dict)
    return is_form and any(isinstance(value, list) for value in case.body.values())


def _has_empty_field(case: schemathesis.Case) -> bool:
    """Return whether a field of a form or an address is empty, which counts as absent whatever its schema says."""
    form = case.body if case.media_type == "multipart/form-data" and isinstance(case.body, dict) else {}
    return any(value == "" for value in (*form.values(), *(case.query or {}).values()))
