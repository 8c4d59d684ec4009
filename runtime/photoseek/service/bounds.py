"""ASGI middleware before the routes: size and pace of requests, and how many are processed at once."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photoseek.service.clients import client_key
from photoseek.service.errors import ApiError
from photoseek.service.limits import Limits
from photoseek.service.middleware import HEALTH
from photoseek.service.request_body import FORM, media_type

UNCOUNTED = HEALTH | {"/metrics"}
"""Answered however many requests are in flight: monitoring has to see that the service is busy, not dead."""

_AGAIN = {"Retry-After": "1"}


def _client(scope: Scope) -> str:
    return client_key((scope.get("client") or ("",))[0])


class HeadLimit:
    """Refuses a request target or headers that are too large."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ApiError | None:
        limits, headers = self._limits, scope["headers"]
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target > limits.target_bytes:
            message = f"expected a request target of at most {limits.target_bytes:,} bytes, found {target:,}"
            return ApiError(414, "target_too_long", message)
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > limits.headers or size > limits.head_bytes:
            most = f"{limits.headers} headers of {limits.head_bytes:,} bytes together"
            return ApiError(
                431, "headers_too_large", f"expected at most {most}, found {len(headers)} of {size:,} bytes"
            )
        return None


class ConcurrencyLimit:
    """Bounds the number of requests that are processed or queued, in total and for each client.

    A request counts from the moment when it has arrived completely until its response begins: clients that send or read
    slowly take no place from others.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._clients: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in UNCOUNTED:
            await self._app(scope, receive, send)
            return
        place = _Place(self, _client(scope))
        if refusal := self.refusal(place.client):
            await refusal.response()(scope, receive, send)
            return
        if scope["method"] != "POST":  # no route reads its body
            place.take()
        try:
            await self._app(scope, place.receiving(receive), place.sending(send))
        finally:
            place.leave()

    def refusal(self, client: str) -> ApiError | None:
        """Return why one more request of a client is refused. None: it is not."""
        if self._clients.total() >= self._limits.in_flight:
            return ApiError(503, "overloaded", "too many requests at the same time; ask again in a second", _AGAIN)
        if self._clients[client] >= self._limits.per_client:
            message = f"at most {self._limits.per_client} requests of one client at the same time"
            return ApiError(429, "too_many_requests", message, _AGAIN)
        return None

    def count(self, client: str, change: int) -> None:
        """Note that a request of a client is in flight, or no longer."""
        self._clients[client] += change
        self._clients += Counter()  # drops the clients without requests


class _Place:
    """The place of one request among those in flight."""

    def __init__(self, in_flight: ConcurrencyLimit, client: str) -> None:
        self.client = client
        self._in_flight = in_flight
        self._taken = False
        self._left = False

    def take(self) -> None:
        """Count the request.

        Raises:
            Refusal: There is no place.
        """
        if self._taken or self._left:
            return
        if refusal := self._in_flight.refusal(self.client):
            raise refusal
        self._taken = True
        self._in_flight.count(self.client, 1)

    def leave(self) -> None:
        """Count the request no longer."""
        if self._taken and not self._left:
            self._in_flight.count(self.client, -1)
        self._left = True

    def receiving(self, receive: Receive) -> Receive:
        """Take the place with the last part of the body."""

        async def receive_counted() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                self.take()
            return message

        return receive_counted

    def sending(self, send: Send) -> Send:
        """Leave the place with the first part of the response."""

        async def send_counted(message: Message) -> None:
            self.leave()
            await send(message)

        return send_counted


class BodyLimit:
    """Refuses a body that is too large or too slow, and more bodies at a time than fit."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._arrived: Counter[str] = Counter()

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
        body = _Body(self._limits, self._arrived, _client(scope), most)
        try:
            await self._app(scope, body.receiving(receive), body.sending(send))
        finally:
            body.forget()


class _Body:
    """The body of one request, from its first part until the response begins."""

    def __init__(self, limits: Limits, all_bodies: Counter[str], client: str, most: int) -> None:
        self._limits = limits
        self._all = all_bodies
        self._client = client
        self._most = most
        self._bytes = 0
        self._ended = False  # nothing more is expected of the client

    def receiving(self, receive: Receive) -> Receive:
        """Receive parts of the body as long as they are within the limits."""
        began = asyncio.get_running_loop().time()

        async def receive_measured() -> Message:
            seconds = self._limits.wait_seconds + self._bytes / self._limits.body_rate
            try:
                async with asyncio.timeout_at(None if self._ended else began + seconds):
                    message = await receive()
            except TimeoutError:
                if self._ended:  # since then, by a response that awaits only that the client leaves
                    return await receive()
                raise _too_slow(seconds, self._bytes) from None
            self._ended |= not message.get("more_body", False)
            self._count(len(message.get("body", b"")))
            return message

        return receive_measured

    def sending(self, send: Send) -> Send:
        """Forget the body once the response begins."""

        async def send_forgetting(message: Message) -> None:
            self.forget()
            await send(message)

        return send_forgetting

    def _count(self, size: int) -> None:
        if size > self._most - self._bytes:
            raise _too_large(self._most)
        self._bytes += size
        self._all[self._client] += size
        if self._all.total() > self._limits.arriving_bytes:
            raise ApiError(503, "overloaded", "too many uploads at the same time; ask again in a second", _AGAIN)
        if self._all[self._client] > self._limits.arriving_bytes // 2:
            message = "too many uploads of one client at the same time; ask again in a second"
            raise ApiError(429, "too_many_requests", message, _AGAIN)

    def forget(self) -> None:
        """Count the body no longer."""
        self._ended = True
        self._all[self._client] -= self._bytes
        self._bytes = 0
        if not self._all[self._client]:
            del self._all[self._client]


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"the body of a request may hold {most:,} bytes")


def _too_slow(seconds: float, size: int) -> ApiError:
    return ApiError(408, "request_timeout", f"the body did not arrive in time: {size:,} bytes in {seconds:.1f} seconds")
