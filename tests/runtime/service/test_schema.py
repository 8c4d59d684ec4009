"""Responses to valid and invalid requests follow ``/openapi.json``."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from photoseek import Searcher
from photoseek.service.app import make_app

OPERATIONS = [
    ("/v1/search", "POST"),
    ("/v1/search", "GET"),
    ("/v1/describe", "POST"),
    ("/v1/embed", "POST"),
    ("/v1/photos/{id}", "GET"),
    ("/v1/photos/{id}/thumbnail", "GET"),
    ("/", "GET"),
    ("/version", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
]


@pytest.fixture(scope="module")
def described(still_searcher: Searcher) -> schemathesis.BaseSchema:
    """The schema of the service, called within this process."""
    return schemathesis.openapi.from_asgi("/openapi.json", make_app(still_searcher, hosts=["*"]))


def test_every_operation_is_tested(described: schemathesis.BaseSchema) -> None:
    found = {operation.ok().label for operation in described.get_all_operations()}
    assert found == {f"{method} {path}" for path, method in OPERATIONS}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_valid_requests_follow_the_schema(described: schemathesis.BaseSchema, path: str, method: str) -> None:
    hold(described[path][method], schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize(("path", "method"), OPERATIONS[:6])
def test_invalid_requests_are_refused_as_in_the_schema(
    described: schemathesis.BaseSchema, path: str, method: str
) -> None:
    hold(described[path][method], schemathesis.GenerationMode.NEGATIVE)


def hold(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode) -> None:
    """Send generated requests, the same in every run, and check each response."""

    @settings(max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        assume(not _has_list_in_form(case))
        answer = case.call()
        if answer.status_code != 414:  # no schema limits the length of an address
            # A schema cannot express that a file is a photo, or that a text is not only spaces.
            case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    holds()


def _has_list_in_form(case: schemathesis.Case) -> bool:
    """Return whether a field is a list, which a form sends as that many fields: none and one are valid."""
    is_form = case.media_type == "multipart/form-data" and isinstance(case.body, dict)
    return is_form and any(isinstance(value, list) for value in case.body.values())
