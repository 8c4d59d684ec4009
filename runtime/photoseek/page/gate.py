"""Gate in front of the page: ASGI middleware that refuses every request without the token or the cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from photoseek.page import sign_in
from photoseek.page.access import Access
from photoseek.page.request_body import read_small_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PARAMETER = "token"
"""Name of the token in an address and in the form."""

_HEALTH = "/_stcore/health"  # returns only ``ok``; for monitoring
_FORM = "application/x-www-form-urlencoded"
_MAX_FORM = 4096  # bytes
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Gate:
    """Pass requests with the cookie on, set the cookie on requests with the token, and refuse all others.

    A request with the token in its address is redirected to the same address without the token.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, or pass the request on to the page."""
        if scope["type"] == "websocket" and not self._is_signed_in(HTTPConnection(scope)):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in with the token first"})
            return
        response = await self._respond(Request(scope, receive)) if scope["type"] == "http" else None
        await (self._app if response is None else response)(scope, receive, send)

    async def _respond(self, request: Request) -> Response | None:
        """Return the response of the gate, or None to pass the request on."""
        given: str | None
        if request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM):
            given = await _form_token(request)
        else:
            given = request.query_params.get(PARAMETER) if request.method in ("GET", "HEAD") else None
        signed_in = self._is_signed_in(request)
        if given is not None and self._access.accepts(given.strip(), request.client, request.scope.get("server")):
            return self._redirect(request, sign_in=True)
        if given is not None and signed_in:
            return self._redirect(request, sign_in=False)
        if signed_in or request.scope["path"] == _HEALTH:
            return None
        return _refusal(request, wrong=given is not None)

    def _is_signed_in(self, connection: HTTPConnection) -> bool:
        return self._access.accepts_cookie(connection.cookies.get(_cookie_name(connection), ""))

    def _redirect(self, request: Request, *, sign_in: bool) -> Response:
        """Redirect to the same address without the token; relative, so that the prefix of a proxy is preserved."""
        query = [(name, value) for name, value in request.query_params.multi_items() if name != PARAMETER]
        path = "./" + quote(request.scope["path"].rpartition("/")[2])
        response = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303, _HEADERS)
        if sign_in:
            secure = request.scope["scheme"] == "https"
            name = _cookie_name(request)
            response.set_cookie(name, self._access.cookie, secure=secure, httponly=True, samesite="lax")
        return response


def _cookie_name(connection: HTTPConnection) -> str:
    """Return a name with the port, because all ports of a host share their cookies."""
    _, port = connection.scope.get("server") or ("", 0)
    return f"photoseek-{port}"


async def _form_token(request: Request) -> str:
    """Return the token of a form; empty if the form has none, or is too large or too slow."""
    try:
        body = await read_small_body(request, _MAX_FORM)
        return _without_address(parse_qs(body.decode("ascii"), max_num_fields=8).get(PARAMETER, [""])[0])
    except (TimeoutError, ValueError, ClientDisconnect):
        return ""


def _without_address(given: str) -> str:
    """Return the token of an address that contains one, such as the printed one; anything else unchanged."""
    _, found, token = given.partition(f"?{PARAMETER}=")
    return token.partition("&")[0] if found else given


def _refusal(request: Request, *, wrong: bool) -> Response:
    """Return the sign-in page for browsers, and one sentence for other clients."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Expected the token of this page.\n", 401, {**_HEADERS, "WWW-Authenticate": "Bearer"})
    language = request.query_params.get("lang") or request.headers.get("accept-language", "")
    return HTMLResponse(sign_in.page(language, wrong=wrong), 401, {**_HEADERS, "WWW-Authenticate": "Bearer"})
