"""ASGI middleware before the routes: which names, tokens and web pages are served."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photoseek.service.errors import ApiError

HEALTH = frozenset(("/healthz", "/readyz"))
"""Answered without the token."""

_KNOWN = "photoseek.known"  # the key of a scope whose request shows the token


class AllowedHosts:
    """Answers only to known names, by Starlette's judgement, in the one shape of errors."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        names = [f"[{name}]" if ":" in name else name for name in allowed]
        self._trusted = TrustedHostMiddleware(_trust, names, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            await self._trusted(scope, receive, _discard)
            if not scope.pop("photoseek.trusted", False):
                refusal = ApiError(400, "unknown_host", "this server is not called by that name; see its --address")
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _trust(scope: Scope, _: Receive, __: Send) -> None:
    scope["photoseek.trusted"] = True


async def _discard(_: Message) -> None:
    """Drop an answer."""


class BearerToken:
    """Answers only those who send ``Authorization: Bearer TOKEN``, but for the health endpoints."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._digest = _digest(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            scope[_KNOWN] = self._known(Headers(scope=scope))
            if not scope[_KNOWN] and scope["path"] not in HEALTH:
                message = "expected the header Authorization: Bearer TOKEN, with the token of this server"
                refusal = ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _known(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Digests are of one length, so the time tells nothing of the token's.
        return hmac.compare_digest(_digest(given.strip()), self._digest) and scheme.lower() == "bearer"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class SameOrigin:
    """Refuses requests that a browser sends on behalf of another origin's web page, unless they show the token.

    Browsers name the relation of the two in ``Sec-Fetch-Site`` (https://www.w3.org/TR/fetch-metadata/). ``same-site``
    is refused, too: all ports of this computer are one site. Older browsers, and all browsers where the connection is
    neither encrypted nor local, send at most ``Origin``; what this misses, ``Cross-Origin-Resource-Policy`` keeps
    unreadable. Programs send neither header.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not scope.get(_KNOWN) and _is_foreign(Headers(scope=scope)):
            message = "a web page of another origin sent this request; expected the token of this server with it"
            await ApiError(403, "cross_site", message).response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    sites = headers.getlist("sec-fetch-site")
    if sites:
        return any(site.strip().lower() not in ("same-origin", "none") for site in sites)
    host = headers.get("host", "").lower()
    return any(origin.lower().partition("://")[2] != host for origin in headers.getlist("origin"))
