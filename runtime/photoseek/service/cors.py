"""ASGI middleware that lets web pages of some origins use the service (CORS), and logs the origins that are refused."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photoseek.errors import QueryError
from photoseek.service.middleware import ORIGIN_ALLOWED, is_cross_origin
from photoseek.service.public_address import browser_origin

_log = logging.getLogger(__name__)

_METHODS = ("DELETE", "GET", "HEAD", "POST")
_HEADERS = ("Authorization", "Content-Type", "If-None-Match")
_REFUSED = (401, 403)  # 401: a preflight request never has the token
_SECONDS = 60.0
_MAX_ORIGINS = 100
_MAX_LENGTH = 200  # characters of a logged origin


class AllowedOrigins:
    """Let web pages of some origins send requests and read the responses; log the origins of refused ones."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._refused = RefusedOrigins()
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_HEADERS,
            expose_headers=["ETag", "Retry-After"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; respond to a preflight request of an allowed origin."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope)
        origin = sent.get("origin")
        allowed = origin in self._origins
        scope[ORIGIN_ALLOWED] = allowed

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if self._origins:
                    headers.add_vary_header("Origin")
                if allowed:
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                elif origin is not None and message["status"] in _REFUSED and is_cross_origin(sent):
                    self._refused.log(origin)
            await send(message)

        await (self._cors if allowed else self._app)(scope, receive, send_with_origin)


class RefusedOrigins:
    """Log each refused origin once a minute: browsers show only that the request was blocked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, float] = {}  # when each was logged

    def log(self, origin: str) -> None:
        """Log that a web page was refused, and the option that lets it in."""
        origin, now = origin[:_MAX_LENGTH], self._clock()
        if now - self._logged.get(origin, -_SECONDS) < _SECONDS:
            return
        if len(self._logged) >= _MAX_ORIGINS:
            self._logged.clear()
        self._logged[origin] = now
        try:
            option = f"to let it use this service, add: --cors {browser_origin(origin)}"
        except QueryError:  # such as null, which a file and a sandboxed frame send
            option = "--cors accepts pages of http and https only"
        _log.warning("refused a web page of origin %s; %s", ascii(origin)[1:-1], option)
