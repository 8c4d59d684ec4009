"""What ``/openapi.json`` promises holds, for requests that it allows and for those that it does not."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from photoseek import Searcher
from photoseek.service.app import make_app

OPERATIONS = [
    ("/v1/search", "POST"),
    ("/v1/describe", "POST"),
    ("/v1/embed", "POST"),
    ("/v1/photos/{id}", "GET"),
    ("/v1/photos/{id}/thumbnail", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
]


@pytest.fixture(scope="module")
def described(still_searcher: Searcher) -> schemathesis.BaseSchema:
    """The service, asked within this process."""
    return schemathesis.openapi.from_asgi("/openapi.json", make_app(still_searcher, hosts=["*"]))


def test_every_operation_is_known_here(described: schemathesis.BaseSchema) -> None:
    found = {operation.ok().label for operation in described.get_all_operations()}
    assert found == {f"{method} {path}" for path, method in OPERATIONS}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_allowed_request_is_answered_as_the_schema_says(
    described: schemathesis.BaseSchema, path: str, method: str
) -> None:
    hold(described[path][method], schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize(("path", "method"), OPERATIONS[:5])
def test_a_request_that_is_not_allowed_is_refused_as_the_schema_says(
    described: schemathesis.BaseSchema, path: str, method: str
) -> None:
    hold(described[path][method], schemathesis.GenerationMode.NEGATIVE)


def hold(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode) -> None:
    """Ask, always the same, and check each answer."""

    @settings(max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        # A schema cannot say that the bytes of a file are those of a photo, and a text more than spaces.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    holds()
