"""ASGI middleware before the routes: who may ask, how many at once, and how much they may send."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photoseek.service.bodies import FORM, media_type
from photoseek.service.limits import Limits
from photoseek.service.problems import Refusal

HEALTH = frozenset(("/healthz", "/readyz"))
"""Open to everyone, and answered in a crowd, too: whoever watches the service has to see that it is busy, not dead."""

UNCOUNTED = HEALTH | {"/metrics"}
"""Answered however many requests are in flight."""


class Hosts:
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
                refusal = Refusal(400, "unknown_host", "this server is not called by that name; see its --address")
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _trust(scope: Scope, _: Receive, __: Send) -> None:
    scope["photoseek.trusted"] = True


async def _discard(_: Message) -> None:
    """Drop an answer."""


class Token:
    """Answers only those who send ``Authorization: Bearer TOKEN``, but for the health endpoints."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._digest = _digest(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in HEALTH and not self._known(Headers(scope=scope)):
            message = "expected the header Authorization: Bearer TOKEN, with the token of this server"
            refusal = Refusal(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _known(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Digests are of one length, so the time tells nothing of the token's.
        return hmac.compare_digest(_digest(given.strip()), self._digest) and scheme.lower() == "bearer"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class Crowd:
    """Keeps the number of requests in flight within the limits, of all and of each client."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._clients: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in UNCOUNTED:
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("",))[0]
        if refusal := self._refusal(client):
            await refusal.response()(scope, receive, send)
            return
        self._clients[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._clients[client] -= 1
            self._clients += Counter()  # forgets whoever has none left

    def _refusal(self, client: str) -> Refusal | None:
        again = {"Retry-After": "1"}
        if self._clients.total() >= self._limits.in_flight:
            return Refusal(503, "overloaded", "too many requests at the same time; ask again in a second", again)
        if self._clients[client] >= self._limits.per_client:
            message = f"at most {self._limits.per_client} requests of one client at the same time"
            return Refusal(429, "too_many_requests", message, again)
        return None


class BodyLimit:
    """Refuses a body that is too large: by its stated length, or as soon as more has come."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        form = media_type(headers.get("content-type", "")) == FORM
        most = self._limits.upload_bytes if form else self._limits.json_bytes
        stated = headers.get("content-length", "0")
        if stated.isdecimal() and int(stated) > most:
            await _too_large(most).response()(scope, receive, send)
            return
        await self._app(scope, _measured(receive, most), send)


def _measured(receive: Receive, most: int) -> Receive:
    come = 0

    async def measure() -> Message:
        nonlocal come
        message = await receive()
        come += len(message.get("body", b""))
        if come > most:
            raise _too_large(most)
        return message

    return measure


def _too_large(most: int) -> Refusal:
    return Refusal(413, "too_large", f"the body of a request may hold {most:,} bytes")
