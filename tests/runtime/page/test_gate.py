"""The gate in front of an application that accepts every request: which requests pass, and the responses to others."""

from __future__ import annotations

import asyncio
import http.cookies
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photoseek.page import access
from photoseek.page.access import Access
from photoseek.page.gate import Gate

TOKEN = "a-token-of-the-tests-0123456789"
COOKIE = f"photoseek-8501={Access(TOKEN).cookie}"


class Answer:
    """A response: status, headers by lower-case name, body, and whether the request passed the gate."""

    def __init__(self, sent: list[dict[str, Any]], passed: list[str]) -> None:
        start = sent[0]
        self.status = start.get("status", start.get("code", 0))
        self.headers = {name.decode(): value.decode() for name, value in start.get("headers", [])}
        self.body = b"".join(message.get("body", b"") for message in sent).decode()
        self.passed = bool(passed)

    @property
    def cookie(self) -> str:
        """The cookie as a browser sends it back, or an empty string."""
        found = http.cookies.SimpleCookie(self.headers.get("set-cookie", ""))
        return "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())


def ask(
    path: str = "/",
    *,
    method: str = "GET",
    body: bytes = b"",
    kind: str = "http",
    keys: Access | None = None,
    **headers: str,
) -> Answer:
    """Send a request to a gate in front of an application that accepts every request."""
    sent: list[dict[str, Any]] = []
    passed: list[str] = []

    async def album(scope: Any, _: Any, send: Any) -> None:
        passed.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the album"})

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    place, _, query = path.partition("?")
    scope = {
        "type": kind,
        "method": method,
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("192.0.2.7", 40000),
        "server": ("192.0.2.1", 8501),
    }
    asyncio.run(Gate(album, keys or Access(TOKEN))(scope, receive, send))
    return Answer(sent, passed)


def post(token: str, path: str = "/", **headers: str) -> Answer:
    form = urlencode({"token": token}).encode()
    return ask(path, method="POST", body=form, content_type="application/x-www-form-urlencoded", **headers)


@pytest.mark.parametrize(
    "path",
    ["/", "/media/0123.jpg", "/_stcore/host-config", "/static/js/index.js", "/component/a/b", "//media/x", "/?token="],
)
@pytest.mark.parametrize("cookie", ["", "photoseek-8501=", f"photoseek-8501={TOKEN}", COOKIE.replace("8501", "9999")])
def test_requests_without_the_token_are_refused(path: str, cookie: str) -> None:
    answer = ask(path, cookie=cookie)
    assert (answer.status, answer.passed, answer.cookie) == (401, False, "")
    assert "album" not in answer.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "POST", "HEAD"])
def test_every_method_needs_the_token(method: str) -> None:
    answer = ask(f"/_stcore/upload_file/a/b?token={TOKEN}x", method=method)
    assert (answer.status, answer.passed) == (401, False)


def test_the_websocket_needs_the_cookie() -> None:
    refused = ask("/_stcore/stream", kind="websocket")
    assert (refused.status, refused.passed) == (1008, False)
    assert ask("/_stcore/stream", kind="websocket", cookie=COOKIE).passed


def test_the_health_endpoint_is_public() -> None:
    assert ask("/_stcore/health").passed
    assert not ask("/_stcore/health/").passed


def test_a_token_in_the_address_is_exchanged_for_a_cookie_and_removed() -> None:
    answer = ask(f"/?q=two+dogs&token={TOKEN}&lang=zh")
    assert (answer.status, answer.headers["location"]) == (303, "./?q=two+dogs&lang=zh")
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert TOKEN not in str(answer.headers)
    assert ask("/?q=two+dogs", cookie=answer.cookie).passed


@pytest.mark.parametrize("host", ["evil.example", "//evil.example", "\\evil.example", "a:b"])
def test_the_redirect_stays_on_this_server(host: str) -> None:
    from urllib.parse import urljoin, urlsplit

    location = ask(f"/{host}?token={TOKEN}").headers["location"]
    assert urlsplit(urljoin(f"http://here/{host}", location)).netloc == "here"


@pytest.mark.parametrize("given", ["wrong", "", "é", "\udce9", TOKEN[:-1], TOKEN + "0", "a" * 60_000])
def test_a_wrong_token_returns_the_form_and_no_cookie(given: str) -> None:
    query = urlencode({"token": given}, errors="surrogateescape")
    for answer in (
        ask(f"/?{query}", accept="text/html"),
        post(given.encode("utf-8", "replace").decode(), accept="text/html"),
    ):
        assert (answer.status, answer.passed, answer.cookie) == (401, False, "")
        assert "Wrong token" in answer.body
        assert "<form" in answer.body


def test_the_form_redirects_to_the_original_address() -> None:
    answer = post(f" {TOKEN}\n", "/?q=red")
    assert (answer.status, answer.headers["location"]) == (303, "./?q=red")
    assert ask(cookie=answer.cookie).passed


def test_the_form_takes_the_printed_address() -> None:
    answer = post(f"http://photos.example:8501/?token={TOKEN}&lang=en", "/?q=red")
    assert (answer.status, answer.headers["location"]) == (303, "./?q=red")
    assert ask(cookie=answer.cookie).passed
    assert post("http://photos.example:8501/?token=wrong", accept="text/html").status == 401


def test_an_old_link_does_not_sign_a_browser_out() -> None:
    answer = ask("/?token=of-yesterday&q=red", cookie=COOKIE)
    assert (answer.status, answer.headers["location"], answer.cookie) == (303, "./?q=red", "")


@pytest.mark.parametrize(
    ("language", "sentence"), [("zh-CN,zh;q=0.9", "打开此页面需要令牌"), ("fr", "This page requires a token")]
)
def test_the_form_is_in_the_language_of_the_browser(language: str, sentence: str) -> None:
    answer = ask("/?q=secret+query", accept="text/html,*/*", accept_language=language)
    assert sentence in answer.body
    assert "script" not in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "secret" not in answer.body


def test_a_ticket_works_once_and_from_this_account_only(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Access(TOKEN)
    monkeypatch.setattr(access, "is_from_this_account", lambda *_: True)
    ticket = keys.new_ticket()
    assert [ask(f"/?token={ticket}", keys=keys).status for _ in range(2)] == [303, 401]
    monkeypatch.setattr(access, "is_from_this_account", lambda *_: False)
    ticket = keys.new_ticket()
    assert ask(f"/?token={ticket}", keys=keys).status == 401
    monkeypatch.setattr(access, "is_from_this_account", lambda *_: True)
    assert ask(f"/?token={ticket}", keys=keys).status == 401
    assert ask(f"/?token={TOKEN}", keys=keys).status == 303


_CONNECT_AS_NOBODY = """
import encodings.idna, os, socket, sys
os.setuid(65534)
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(client.getsockname()[1], flush=True)
input()
"""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="connections are not listed by account")
def test_the_account_of_a_connection_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert access.is_from_this_account(client.getsockname(), ("127.0.0.1", port))
            assert not access.is_from_this_account(client.getsockname(), ("127.0.0.1", port + 1))


@pytest.mark.skipif(os.getuid() != 0 or not Path("/proc/net/tcp").exists(), reason="needs another account")
def test_a_connection_of_another_account_is_detected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-c", _CONNECT_AS_NOBODY, str(port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            theirs = int(other.stdout.readline())
            assert not access.is_from_this_account(("127.0.0.1", theirs), ("127.0.0.1", port))
            other.communicate("\n")


def test_tokens_are_random_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOSEEK_TOKEN", raising=False)
    made = [Access.from_environment() for _ in range(2)]
    assert len({each.token for each in made if each}) == 2
    assert all(each and len(each.token) >= 43 for each in made)
    monkeypatch.setenv("PHOTOSEEK_TOKEN", TOKEN)
    named = Access.from_environment()
    assert named is not None
    assert named.token == TOKEN
    monkeypatch.setenv("PHOTOSEEK_NO_TOKEN", "1")
    assert Access.from_environment() is None


def test_the_cookie_does_not_contain_the_token() -> None:
    assert TOKEN not in Access(TOKEN).cookie
    assert Access(TOKEN).cookie != Access(TOKEN + "1").cookie
