"""uvicorn's HTTP/1.1 protocol with limits that uvicorn lacks."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from photoseek.service.connections import Connections, client_key
from photoseek.service.errors import ApiError
from photoseek.service.middleware import SAFE_HEADERS


class BoundedProtocol(H11Protocol):
    """One connection, closed if its client is too slow or there are too many connections.

    uvicorn (0.54) bounds the size of a request head and the time between two requests. It bounds neither the time for a
    head or a body to arrive, nor for a response to be read, and counts connections only once a request is complete
    (``limit_concurrency``). ``transport.close()`` waits for the client to read; only ``transport.abort()`` does not.
    """

    def __init__(self, *arguments: Any, connections: Connections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.client_key = ""
        self.since = 0.0
        self._accepted = False
        self._body_bytes = 0
        self._unread = 0
        self._all = connections
        self._limits = connections.limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count a new connection, or refuse it."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self.client_key = client_key(self.client[0] if self.client else "")
        self._accepted = self._all.add(self)
        if not self._accepted:
            error = ApiError(503, "overloaded", "too many connections; reconnect in a second", {"Retry-After": "1"})
            transport.write(_response_bytes(error))
            transport.close()
            return
        transport.set_write_buffer_limits(high=self._limits.send_bytes)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):  # else the kernel buffers megabytes for a client that does not read
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * self._limits.send_bytes)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._all.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process data of the client; a part of a head does not extend the time for the head."""
        before = self._state()
        self._body_bytes = self._body_bytes + len(data) if before[0] is h11.SEND_BODY else 0
        super().data_received(data)
        if self._state() != before:
            self.since = self.loop.time()

    def _state(self) -> tuple[Any, bool]:
        return self.conn.their_state, self.timeout_keep_alive_task is None

    def pause_writing(self) -> None:
        """Start the time limit of a client that reads too slowly."""
        self._restart_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Restart the time limit after the client has read."""
        self.since = self.loop.time()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Start the time limit for the next request."""
        self.since = self.loop.time()
        super().on_response_complete()

    def patience(self) -> float | None:
        """Return how many seconds the server waits for the client in this state, or None on the server's turn."""
        limits = self._limits
        if unread := self.transport.get_write_buffer_size():
            if unread <= self._unread - limits.send_bytes:
                self._restart_reading()
            return limits.wait_seconds
        if self.conn.their_state is h11.IDLE:
            idle = self.timeout_keep_alive_task is not None and not self.conn.trailing_data[0]
            return limits.idle_seconds if idle else limits.wait_seconds
        if self.conn.their_state is h11.SEND_BODY:
            if self.cycle.response_complete:  # the rest is read only to be discarded
                return limits.wait_seconds
            return 2 * limits.wait_seconds + self._body_bytes / limits.body_rate  # BodyLimit responds with 408 before
        return None

    def _restart_reading(self) -> None:
        self.since = self.loop.time()
        self._unread = self.transport.get_write_buffer_size()

    def cut(self) -> None:
        """Close the connection without waiting for the client."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 uvicorn's message is plain text
        """Respond to invalid HTTP with a JSON error, unless a response has begun."""
        self._all.count_closed("invalid")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            most = self._limits.head_bytes
            message = f"expected an HTTP/1.1 request with a target and headers of at most {most:,} bytes in total"
            self.transport.write(_response_bytes(ApiError(400, "invalid_http", message)))
        self.transport.close()


def _response_bytes(error: ApiError) -> bytes:
    """Return the whole response to a connection that never reaches the application."""
    response = error.response()
    headers = {**SAFE_HEADERS, "Connection": "close"}
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
