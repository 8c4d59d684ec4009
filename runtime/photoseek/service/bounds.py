"""ASGI middleware before the routes: limits of the size, speed and concurrency of requests."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photoseek.service.connections import client_key
from photoseek.service.errors import ApiError
from photoseek.service.limits import Limits
from photoseek.service.middleware import HEALTH, RequestCheck, route_path
from photoseek.service.request_body import FORM, media_type

UNCOUNTED = HEALTH | {"/metrics"}
"""Endpoints without a limit on requests in flight, so that monitoring can tell a busy service from a dead one."""

_RETRY = {"Retry-After": "1"}


def _client(scope: Scope) -> str:
    return client_key((scope.get("client") or ("",))[0])


class HeadLimit(RequestCheck):
    """Refuse a request target or headers that are too large."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(app)
        self._limits = limits

    async def check(self, scope: Scope) -> ApiError | None:
        """Return why a request is refused, or None."""
        limits, headers = self._limits, scope["headers"]
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target > limits.target_bytes:
            message = f"expected a request target of at most {limits.target_bytes:,} bytes, found {target:,}"
            return ApiError(414, "target_too_long", message)
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > limits.headers or size > limits.head_bytes:
            most = f"{limits.headers} headers with {limits.head_bytes:,} bytes in total"
            message = f"expected at most {most}, found {len(headers)} with {size:,} bytes"
            return ApiError(431, "headers_too_large", message)
        return None


class ConcurrencyLimit:
    """Limit the number of requests that are processed or queued, in total and for each client.

    A request counts from the moment it has arrived completely until its response begins: clients that send or read
    slowly take no capacity from others.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._clients: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or route_path(scope) in UNCOUNTED:
            await self._app(scope, receive, send)
            return
        request = _CountedRequest(self, _client(scope), receive, send)
        if refusal := self.refusal(request.client):
            await refusal.response()(scope, receive, send)
            return
        if scope["method"] != "POST":  # no route reads its body
            request.start()
        try:
            await self._app(scope, request.receive, request.send)
        finally:
            request.end()

    def refusal(self, client: str) -> ApiError | None:
        """Return why one more request of a client is refused, or None."""
        if self._clients.total() >= self._limits.in_flight:
            return ApiError(503, "overloaded", "too many concurrent requests; retry in a second", _RETRY)
        if self._clients[client] >= self._limits.per_client:
            message = f"expected at most {self._limits.per_client} concurrent requests per client; retry in a second"
            return ApiError(429, "too_many_requests", message, _RETRY)
        return None

    def count(self, client: str, change: int) -> None:
        """Change the number of requests in flight of a client."""
        self._clients[client] += change
        self._clients += Counter()  # drops the clients without requests


class _CountedRequest:
    """A request that counts from the last part of its body to the first part of its response."""

    def __init__(self, limit: ConcurrencyLimit, client: str, receive: Receive, send: Send) -> None:
        self.client = client
        self._limit = limit
        self._receive = receive
        self._send = send
        self._counted = False
        self._ended = False

    async def receive(self) -> Message:
        """Receive a part of the body.

        Raises:
            ApiError: Too many requests are in flight.
        """
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.start()
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the response."""
        self.end()
        await self._send(message)

    def start(self) -> None:
        """Count the request.

        Raises:
            ApiError: Too many requests are in flight.
        """
        if self._counted or self._ended:
            return
        if refusal := self._limit.refusal(self.client):
            raise refusal
        self._counted = True
        self._limit.count(self.client, 1)

    def end(self) -> None:
        """Stop counting the request."""
        if self._counted and not self._ended:
            self._limit.count(self.client, -1)
        self._ended = True


class BodyLimit:
    """Refuse a body that is too large or too slow, and more concurrent bodies than fit into memory."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._received: Counter[str] = Counter()  # bytes of each client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        form = media_type(headers.get("content-type", "")) == FORM
        most = self._limits.upload_bytes if form else self._limits.json_upload_bytes
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > most:
            await _too_large(most).response()(scope, receive, send)
            return
        body = _LimitedBody(self._limits, self._received, _client(scope), most, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        finally:
            body.release()


class _LimitedBody:
    """The body of one request; its bytes count from their arrival until the response begins."""

    def __init__(
        self, limits: Limits, received: Counter[str], client: str, most: int, receive: Receive, send: Send
    ) -> None:
        self._limits = limits
        self._received = received
        self._client = client
        self._most = most
        self._receive = receive
        self._send = send
        self._began = asyncio.get_running_loop().time()
        self._bytes = 0
        self._complete = False

    async def receive(self) -> Message:
        """Receive a part of the body.

        Raises:
            ApiError: The body is too large or too slow, or there are too many concurrent bodies.
        """
        seconds = self._limits.wait_seconds + self._bytes / self._limits.body_rate
        try:
            async with asyncio.timeout_at(None if self._complete else self._began + seconds):
                message = await self._receive()
        except TimeoutError:
            if self._complete:  # set in the meantime, by a response that only waits for the client to disconnect
                return await self._receive()
            reason = f"expected the complete body within {seconds:.1f} seconds, found {self._bytes:,} bytes"
            raise ApiError(408, "request_timeout", reason) from None
        self._complete |= not message.get("more_body", False)
        self._count(len(message.get("body", b"")))
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the response."""
        self.release()
        await self._send(message)

    def _count(self, size: int) -> None:
        if size > self._most - self._bytes:
            raise _too_large(self._most)
        self._bytes += size
        self._received[self._client] += size
        if self._received.total() > self._limits.arriving_bytes:
            raise ApiError(503, "overloaded", "too many concurrent uploads; retry in a second", _RETRY)
        if self._received[self._client] > self._limits.arriving_bytes // 2:
            message = "too many concurrent uploads of this client; retry in a second"
            raise ApiError(429, "too_many_requests", message, _RETRY)

    def release(self) -> None:
        """Stop counting the body."""
        self._complete = True
        self._received[self._client] -= self._bytes
        self._bytes = 0
        if not self._received[self._client]:
            del self._received[self._client]


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"expected a request body of at most {most:,} bytes")
