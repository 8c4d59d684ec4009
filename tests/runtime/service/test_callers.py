"""Who is answered: by the name of the server, and by a token."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from photoseek import Searcher
from photoseek.listening import allowed_hosts
from photoseek.service.app import make_app
from running_service import running

TOKEN = "0123456789abcdef-secret"
GUARDED = ("/v1/photos/1", "/v1/photos/1/thumbnail", "/metrics", "/openapi.json", "/nothing")


@pytest.fixture(scope="module")
def guarded(still_searcher: Searcher) -> Iterator[httpx.Client]:
    """Asks a service that wants a token."""
    with running(make_app(still_searcher, token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [None, "", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"],
)
def test_without_the_token_nothing_is_told(guarded: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    answers = [guarded.post(path, json={"text": "red"}, headers=headers) for path in ("/v1/search", "/v1/embed")]
    answers += [guarded.get(path, headers=headers) for path in GUARDED]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert {answer.json()["error"]["code"] for answer in answers} == {"unauthorized"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_everything_is_answered(guarded: httpx.Client, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert guarded.post("/v1/search", json={"text": "red"}, headers=headers).status_code == 200
    assert [guarded.get(path, headers=headers).status_code for path in GUARDED] == [200, 200, 200, 200, 404]


def test_health_is_told_to_everyone(guarded: httpx.Client) -> None:
    assert guarded.get("/healthz").json() == {"status": "alive"}
    assert guarded.get("/readyz").json()["status"] == "ready"


def test_the_schema_says_that_a_token_is_wanted(guarded: httpx.Client, client: httpx.Client) -> None:
    schema = guarded.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert schema["paths"]["/v1/search"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in schema["paths"]["/healthz"]["get"]
    assert "security" not in client.get("/openapi.json").json()["paths"]["/v1/search"]["post"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_a_computer_may_be_called_as_it_calls_itself(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "[::2]"]
)
@pytest.mark.parametrize("path", ["/healthz", "/v1/photos/1"])
def test_under_any_other_name_nothing_is_told(client: httpx.Client, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_host")


def test_a_server_that_listens_everywhere_has_any_name(still_searcher: Searcher) -> None:
    with running(make_app(still_searcher, hosts=allowed_hosts("0.0.0.0"))) as client:
        assert client.get("/healthz", headers={"Host": "photos.example"}).status_code == 200
