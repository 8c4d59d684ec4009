"""Web pages of other origins, further host names, and a proxy that adds a prefix."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from photoseek import Searcher
from photoseek.errors import QueryError
from photoseek.service.app import make_app
from photoseek.service.cors import RefusedOrigins
from photoseek.service.public_address import PublicAddress
from photoseek.version import __version__
from running_service import running

PAGE = "https://photos.example"
TOKEN = "a-token-of-the-tests-0123456789"
CROSS_SITE = {"Sec-Fetch-Site": "cross-site", "Origin": PAGE}


@pytest.fixture(scope="module", params=[None, TOKEN], ids=["open", "guarded"])
def shared(still_searcher: Searcher, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A service for the web pages of one origin, without and with a token."""
    headers = {} if request.param is None else {"Authorization": f"Bearer {request.param}"}
    with running(make_app(still_searcher, token=request.param, origins=[PAGE])) as client:
        client.headers.update(headers)
        yield client


def test_a_page_of_an_allowed_origin_searches_and_shows_photos(shared: httpx.Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = httpx.options(shared.base_url.join("/v1/search"), headers={**CROSS_SITE, **asked})  # has no token
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
    answer = shared.post("/v1/search", json={"text": "red"}, headers=CROSS_SITE)
    photo = shared.get(f"/v1/photos/{answer.json()['hits'][0]['id']}/thumbnail", headers=CROSS_SITE)
    for each in (answer, photo):
        assert each.status_code == 200
        assert each.headers["Access-Control-Allow-Origin"] == PAGE
        assert each.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Origin" in each.headers["Vary"]


def test_a_page_of_an_allowed_origin_can_read_errors(shared: httpx.Client) -> None:
    refused = httpx.post(shared.base_url.join("/v1/search"), json={"text": ""}, headers=CROSS_SITE)
    assert refused.status_code == (401 if "Authorization" in shared.headers else 422)
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://evil.example", "http://photos.example", f"{PAGE}.evil.example", "null"])
def test_a_page_of_another_origin_is_still_refused(shared: httpx.Client, origin: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": origin}
    without_token = httpx.get(shared.base_url.join("/healthz"), headers=headers)
    assert without_token.status_code == 403
    assert "Access-Control-Allow-Origin" not in without_token.headers
    asked = {**headers, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(shared.base_url.join("/v1/search"), headers=asked)
    assert preflight.status_code in (401, 403)
    assert "Access-Control-Allow-Origin" not in preflight.headers


def test_a_proxy_adds_a_prefix(still_searcher: Searcher) -> None:
    with running(make_app(still_searcher, token=TOKEN), root_path="/photos") as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        schema = client.get("/openapi.json", headers=headers).json()
        assert schema["servers"] == [{"url": "/photos"}]
        assert client.get("/healthz").status_code == 200  # without the token
        assert client.get("/metrics").status_code == 401
        assert client.get("/v1/search?q=red", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("origins", "prefix", "message"),
    [
        (["photos.example"], "", "--cors: expected the origin of a web page"),
        (["https://photos.example/album"], "", "--cors: expected the origin of a web page"),
        (["*"], "", "--cors: expected the origin of a web page"),
        (["http://localhost:*"], "", "patterns are not supported; repeat --cors for each origin"),
        (["https://*.example"], "", "patterns are not supported; repeat --cors for each origin"),
        (["http://localhost:port"], "", "--cors: expected the origin of a web page"),
        (["http://me@photos.example"], "", "--cors: expected the origin of a web page"),
        (["null"], "", "--cors: expected the origin of a web page"),
        ([], "photos", "--root-path: expected the start of a path"),
        ([], "/a b", "--root-path: expected the start of a path"),
    ],
)
def test_invalid_addresses_are_refused(origins: list[str], prefix: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        PublicAddress.of(["localhost"], origins, prefix)


def test_addresses_are_written_as_browsers_send_them() -> None:
    found = PublicAddress.of(["localhost", "nas"], ["HTTPS://Photos.example/", "http://localhost:3000"], "/photos/")
    assert found == PublicAddress(("localhost", "nas"), (PAGE, "http://localhost:3000"), "/photos")
    found = PublicAddress.of([], [f"{PAGE}:443", "http://nas:80", "http://nas:443", "http://[::1]:5173"], "")
    assert found.origins == (PAGE, "http://nas", "http://nas:443", "http://[::1]:5173")


@pytest.mark.parametrize("token", [None, TOKEN])
def test_the_log_names_a_refused_origin_and_the_option_that_accepts_it(
    still_searcher: Searcher, token: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    with running(make_app(still_searcher, token=token, origins=["http://localhost:3000"])) as client:
        caplog.clear()
        for origin in ("http://localhost:5173", "http://localhost:5173", "null", "http://localhost:3000"):
            headers = {"Origin": origin, "Sec-Fetch-Site": "same-site", **asked}
            assert client.options("/v1/search", headers=headers).status_code == (
                200 if origin.endswith("3000") else 403 if token is None else 401
            )
        assert client.get("/healthz", headers={"Origin": str(client.base_url).rstrip("/")}).status_code == 200
        found = [record.getMessage() for record in caplog.records if record.name == "photoseek.service.cors"]
    assert found == [
        "refused a web page of origin http://localhost:5173; to let it use this service, add: "
        "--cors http://localhost:5173",
        "refused a web page of origin null; --cors accepts pages of http and https only",
    ]


def test_a_refused_origin_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    refused = RefusedOrigins(lambda: now)
    for now, lines in ((0.0, 1), (59.0, 1), (60.0, 2), (61.0, 2)):  # noqa: B007 read by the clock
        refused.log("http://a.example")
        assert len(caplog.records) == lines
    refused.log("http://\x1b[31mred" + "x" * 9_000)
    assert "\x1b" not in caplog.text
    assert len(caplog.records[-1].getMessage()) < 300


def test_a_search_is_an_address(client: httpx.Client) -> None:
    fields = {"text": "red", "k": 3, "folder": "red", "group_duplicates": False}
    posted = client.post("/v1/search", json=fields).json()["hits"]
    assert client.get("/v1/search?q=red&k=3&folder=red&group_duplicates=false").json()["hits"] == posted
    for wrong in ("q=red&k=0", "q=red&unknown=1", "q=red&q=blue", "text=red&q=red", ""):
        assert client.get(f"/v1/search?{wrong}").status_code == 422
    answer = client.get("/v1/search?text=red").json()
    assert answer["error"]["message"] == "text: expected the parameter 'q' instead"


def test_hits_are_returned_page_by_page(client: httpx.Client) -> None:
    whole = client.get("/v1/search?q=red&k=20").json()["hits"]
    pages = [client.get(f"/v1/search?q=red&k=8&offset={offset}").json()["hits"] for offset in (0, 8, 16, 24)]
    assert [hit for page in pages for hit in page][:20] == whole
    assert [hit["rank"] for hit in pages[1]] == list(range(9, 17))
    assert client.get("/v1/search?q=red&offset=1000").json()["hits"] == []


def test_head_has_the_headers_of_get(client: httpx.Client) -> None:
    for path in ("/", "/version", "/healthz", "/v1/folders", "/v1/photos/1", "/v1/photos/1/thumbnail", "/openapi.json"):
        got, head = client.get(path), client.head(path)
        assert head.status_code == 200
        assert head.content == b""
        assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert client.head("/v1/embed").status_code == 405
    assert 'route="/v1/photos/{id}",status="200"' in client.get("/metrics").text.replace('method="HEAD",', "")


def test_the_service_says_what_it_is(client: httpx.Client) -> None:
    about = client.get("/").json()
    assert (about["name"], about["version"]) == ("photoseek", __version__)
    assert client.get("/version").json() == {"version": __version__}
    schema = client.get(f"/{about['openapi']}").json()
    names = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert {"search", "describe", "embed", "photo"} <= set(names)
