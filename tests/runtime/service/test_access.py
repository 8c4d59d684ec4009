"""Which requests are accepted: by host name, token and origin."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from photoseek import Gallery, Searcher
from photoseek.service.app import make_app
from photoseek.service.limits import Limits
from photoseek.service.middleware import SAFE_HEADERS
from photoseek.system.network import allowed_hosts
from running_service import running

TOKEN = "0123456789abcdef-secret"
GUARDED = ("/v1/folders", "/v1/photos/1", "/v1/photos/1/thumbnail", "/metrics", "/openapi.json", "/nothing")


@pytest.fixture(scope="module")
def guarded(still_searcher: Searcher) -> Iterator[httpx.Client]:
    """A client of a service that requires a token."""
    with running(make_app(still_searcher, token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [None, "", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"],
)
def test_requests_without_the_token_are_refused(guarded: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    answers = [guarded.post(path, json={"text": "red"}, headers=headers) for path in ("/v1/search", "/v1/embed")]
    answers += [guarded.get(path, headers=headers) for path in GUARDED]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert {answer.json()["error"]["code"] for answer in answers} == {"unauthorized"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_requests_with_the_token_are_accepted(guarded: httpx.Client, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert guarded.post("/v1/search", json={"text": "red"}, headers=headers).status_code == 200
    assert [guarded.get(path, headers=headers).status_code for path in GUARDED] == [200] * 5 + [404]


def test_health_endpoints_need_no_token(guarded: httpx.Client) -> None:
    assert guarded.get("/healthz").json() == {"status": "alive"}
    assert guarded.get("/readyz").json()["status"] == "ready"


def test_the_schema_documents_the_token(guarded: httpx.Client, client: httpx.Client) -> None:
    schema = guarded.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert schema["paths"]["/v1/search"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in schema["paths"]["/healthz"]["get"]
    assert "security" not in client.get("/openapi.json").json()["paths"]["/v1/search"]["post"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_local_host_names_are_accepted(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "[::2]"]
)
@pytest.mark.parametrize("path", ["/healthz", "/v1/photos/1"])
def test_other_host_names_are_refused(client: httpx.Client, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_host")


def test_a_server_on_all_interfaces_accepts_any_host_name(still_searcher: Searcher) -> None:
    with running(make_app(still_searcher, hosts=allowed_hosts("0.0.0.0"))) as client:
        assert client.get("/healthz", headers={"Host": "photos.example"}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "anything"])
@pytest.mark.parametrize("path", [*GUARDED, "/healthz", "/readyz"])
def test_a_web_page_of_another_origin_is_refused(client: httpx.Client, path: str, site: str) -> None:
    answers = [client.request(method, path, headers={"Sec-Fetch-Site": site}) for method in ("GET", "POST", "OPTIONS")]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["error"]["code"] for answer in answers} == {"cross_site"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://photos.example"}, 200),  # a proxy changed Host
        ({"Origin": "http://LOCALHOST:8000"}, 200),
        ({"Origin": "http://localhost:9000"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_requests_of_the_same_origin_and_of_programs_are_accepted(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/v1/search", json={"text": "red"}, headers={"Host": "localhost:8000", **headers})
    assert answer.status_code == status


def test_a_web_page_of_another_origin_is_accepted_with_the_token(guarded: httpx.Client) -> None:
    cross_site = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    with_token = {**cross_site, "Authorization": f"Bearer {TOKEN}"}
    assert guarded.post("/v1/search", json={"text": "red"}, headers=with_token).status_code == 200
    assert guarded.post("/v1/search", json={"text": "red"}, headers=cross_site).status_code == 401
    assert guarded.get("/healthz", headers=cross_site).status_code == 403
    assert guarded.get("/healthz", headers=with_token).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/photos/1", {}, 200),
        ("GET", "/v1/photos/1/thumbnail", {}, 200),
        ("GET", "/v1/photos/1", {"If-None-Match": "*"}, 304),
        ("GET", "/openapi.json", {}, 200),
        ("GET", "/healthz", {}, 200),
        ("GET", "/metrics", {}, 200),
        ("GET", "/healthz", {"Host": "evil.example"}, 400),
        ("GET", "/healthz", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", "/nothing", {}, 404),
        ("GET", "/v1/search", {}, 422),
        ("GET", "/v1/embed", {}, 405),
        ("OPTIONS", "/v1/search", {}, 405),
        ("HEAD", "/v1/photos/1", {}, 200),
        ("POST", "/v1/search", {}, 415),
        ("GET", "/healthz?" + "x" * 9_000, {}, 414),
        ("GET", "/healthz", {"X": "y" * 17_000}, 431),
        ("POST", "/v1/embed", {"Content-Type": "application/json"}, 422),
    ],
)
def test_every_response_has_the_safe_headers(
    client: httpx.Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == status
    expect_safe(answer)


def test_a_refused_body_has_the_safe_headers(still_searcher: Searcher) -> None:
    limits = Limits(upload_bytes=3_000)
    with running(make_app(still_searcher, limits=limits)) as client:
        answer = client.post("/v1/search", content=bytes(limits.json_upload_bytes + 1))
        assert answer.status_code == 413
        expect_safe(answer)


def test_an_unexpected_error_has_the_safe_headers(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = Searcher(gallery, mode="service")
    monkeypatch.setattr(searcher, "query", lambda *_, **__: 1 / 0)
    with running(make_app(searcher)) as client:
        answer = client.post("/v1/search", json={"text": "red"})
        assert answer.status_code == 500
        expect_safe(answer)


def expect_safe(answer: httpx.Response) -> None:
    """Expect each safe header once."""
    for name, value in SAFE_HEADERS.items():
        assert answer.headers.get_list(name) == [value]


async def who(scope: Scope, _: Receive, send: Send) -> None:
    """An application that returns the address and the scheme of the request."""
    await PlainTextResponse(f"{scope['client'][0]} {scope['scheme']}")(scope, _, send)


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        ([], "192.0.2.7", "127.0.0.1 http"),
        (["192.0.2.0/24"], "192.0.2.7", "127.0.0.1 http"),
        (["127.0.0.1/32"], "192.0.2.7", "192.0.2.7 https"),
        (["127.0.0.0/8"], "203.0.113.1, 192.0.2.7", "192.0.2.7 https"),  # what the proxy itself added
        (["127.0.0.1/32", "192.0.2.7/32"], "203.0.113.1, 192.0.2.7", "203.0.113.1 https"),
    ],
)
def test_only_trusted_proxies_set_the_client_address(
    monkeypatch: pytest.MonkeyPatch, trusted: list[str], forwarded: str, expected: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with running(who, lifespan="off", trusted_proxies=trusted) as client:
        headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
        assert client.get("/", headers=headers).text == expected
