"""ASGI middleware before the routes: host names, the token, cross-origin requests, HEAD, and response headers.

``photoseek.service.cors`` lets web pages of other origins in.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photoseek.service.errors import ApiError

HEALTH = frozenset(("/healthz", "/readyz"))
"""Endpoints that need no token."""

SAFE_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response: no other origin may embed it, and a browser neither runs, frames nor reinterprets it."""

_AUTHENTICATED = "photoseek.authenticated"  # key of the ASGI scope: whether the request has the token
_HOST_ALLOWED = "photoseek.host_allowed"
ORIGIN_ALLOWED = "photoseek.origin_allowed"
_INDEXING = "photoseek.indexing"  # whether the request has the token for indexing; None: there is none
_HEAD = "photoseek.head"


def route_path(scope: Scope) -> str:
    """Return the path of a request without the prefix under which a proxy serves it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class SafeHeaders:
    """Add ``SAFE_HEADERS`` to every response that does not set them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and return its response with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely)


class HeadRequests:
    """Route HEAD as GET; the server sends no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        routed = {**scope, "method": "GET", _HEAD: True}
        await self._app(routed, receive, send)
        scope["route"] = routed.get("route")  # for the metrics


def is_head(scope: Scope) -> bool:
    """Return whether a request was HEAD, so that its response needs no body."""
    return bool(scope.get(_HEAD))


class RequestCheck(ABC):
    """Base class of middleware that refuses requests before their body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        error = await self.check(scope) if scope["type"] == "http" else None
        await (self._app if error is None else error.response())(scope, receive, send)

    @abstractmethod
    async def check(self, scope: Scope) -> ApiError | None:
        """Return why a request is refused, or None."""


class AllowedHosts(RequestCheck):
    """Refuse requests for unknown host names, as decided by Starlette."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        super().__init__(app)
        names = [f"[{name}]" if ":" in name else name for name in allowed]
        self._starlette = TrustedHostMiddleware(_allow, names, www_redirect=False)

    async def check(self, scope: Scope) -> ApiError | None:
        """Return why a request is refused, or None."""
        await self._starlette(scope, _receive_nothing, _discard)
        if scope.pop(_HOST_ALLOWED, False):
            return None
        return ApiError(400, "unknown_host", "unknown host name in the request's Host header; see --address")


async def _allow(scope: Scope, _: Receive, __: Send) -> None:
    scope[_HOST_ALLOWED] = True


async def _receive_nothing() -> Message:
    return {"type": "http.disconnect"}


async def _discard(_: Message) -> None:
    """Drop the plain-text response of Starlette."""


class BearerToken(RequestCheck):
    """Refuse requests without ``Authorization: Bearer TOKEN``, except for the health endpoints.

    The token for indexing is accepted everywhere; ``expect_may_index`` accepts no other.
    """

    def __init__(self, app: ASGIApp, token: str | None, index_token: str | None = None) -> None:
        super().__init__(app)
        self._token = None if token is None else _digest(token)
        self._index_token = None if index_token is None else _digest(index_token)

    async def check(self, scope: Scope) -> ApiError | None:
        """Return why a request is refused, or None."""
        sent = _sent_token(Headers(scope=scope))
        may_index = _is_same(sent, self._index_token)
        scope[_INDEXING] = None if self._index_token is None else may_index
        scope[_AUTHENTICATED] = may_index or _is_same(sent, self._token)
        if self._token is None or scope[_AUTHENTICATED] or route_path(scope) in HEALTH:
            return None
        return _unauthorized()


def expect_may_index(request: Request) -> None:
    """Raise unless a request has the token for indexing.

    Raises:
        ApiError: 401, it has no token of this service; 403, it has the token for searches only, or nobody may index.
    """
    allowed = request.scope[_INDEXING]
    if allowed is None:
        message = "this service does not index; start it with: photoseek serve --index-token-file FILE"
        raise ApiError(403, "indexing_disabled", message)
    if not allowed and request.scope[_AUTHENTICATED]:
        raise ApiError(403, "forbidden", "expected the token of --index-token-file, found the token for searches")
    if not allowed:
        raise _unauthorized()


def _unauthorized() -> ApiError:
    message = "expected the header Authorization: Bearer TOKEN, with the token of this server"
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})


def _sent_token(headers: Headers) -> bytes | None:
    """Return the digest of the token that a request has; all digests have the same length."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return _digest(token.strip()) if scheme.lower() == "bearer" else None


def _is_same(sent: bytes | None, token: bytes | None) -> bool:
    """Compare digests in constant time."""
    return sent is not None and token is not None and hmac.compare_digest(sent, token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class SameOrigin(RequestCheck):
    """Refuse cross-origin requests of browsers unless they have the token.

    Browsers send how the origins relate in ``Sec-Fetch-Site`` (https://www.w3.org/TR/fetch-metadata/). ``same-site``
    is refused as well: all ports of this computer are one site. Older browsers, and all browsers on a connection that
    is neither encrypted nor local, send at most ``Origin``. For requests without either header,
    ``Cross-Origin-Resource-Policy`` prevents the page from reading the response. Programs send neither header.
    """

    async def check(self, scope: Scope) -> ApiError | None:
        """Return why a request is refused, or None."""
        trusted = scope.get(_AUTHENTICATED) or scope.get(ORIGIN_ALLOWED)
        if trusted or not is_cross_origin(Headers(scope=scope)):
            return None
        message = "cross-origin request: expected the token of this server, or an origin of its option --cors"
        return ApiError(403, "cross_site", message)


def is_cross_origin(headers: Headers) -> bool:
    """Return whether a browser sends a request for a web page of another origin."""
    sites = headers.getlist("sec-fetch-site")
    if sites:
        return any(site.strip().lower() not in ("same-origin", "none") for site in sites)
    host = headers.get("host", "").lower()
    return any(origin.lower().partition("://")[2] != host for origin in headers.getlist("origin"))
