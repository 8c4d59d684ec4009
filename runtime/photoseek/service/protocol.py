"""HTTP/1.1 as uvicorn speaks it, within the limits that uvicorn lacks."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from photoseek.service.clients import client_key
from photoseek.service.connections import Connections
from photoseek.service.errors import ApiError
from photoseek.service.headers import SAFE_HEADERS


class BoundedProtocol(H11Protocol):
    """One connection whose client may be neither too slow nor one too many.

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
            refusal = ApiError(
                503, "overloaded", "too many connections; connect again in a second", {"Retry-After": "1"}
            )
            transport.write(_answer(refusal))
            transport.close()
            return
        transport.set_write_buffer_limits(high=self._limits.send_bytes)
        kernel = transport.get_extra_info("socket")
        if kernel is not None:
            with suppress(OSError):  # else the kernel buffers megabytes for a client that does not read
                kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * self._limits.send_bytes)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._all.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends; a part of a head does not extend the time for it."""
        before = self._state()
        self._body_bytes = self._body_bytes + len(data) if before[0] is h11.SEND_BODY else 0
        super().data_received(data)
        if self._state() != before:
            self.since = self.loop.time()

    def _state(self) -> tuple[Any, bool]:
        return self.conn.their_state, self.timeout_keep_alive_task is None

    def pause_writing(self) -> None:
        """The client reads too slowly: its time begins."""
        self._note_unread()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has read: it gets more, and more time."""
        self.since = self.loop.time()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """The next request may come."""
        self.since = self.loop.time()
        super().on_response_complete()

    def patience(self) -> float | None:
        """Return how many seconds the server waits for the client in this state. None: it is the server's turn."""
        limits = self._limits
        if unread := self.transport.get_write_buffer_size():
            if unread <= self._unread - limits.send_bytes:
                self._note_unread()
            return limits.wait_seconds
        if self.conn.their_state is h11.IDLE:
            idle = self.timeout_keep_alive_task is not None and not self.conn.trailing_data[0]
            return limits.idle_seconds if idle else limits.wait_seconds
        if self.conn.their_state is h11.SEND_BODY:
            if self.cycle.response_complete:  # the rest is read only to be thrown away
                return limits.wait_seconds
            return 2 * limits.wait_seconds + self._body_bytes / limits.body_rate  # the route itself answers 408 before
        return None

    def _note_unread(self) -> None:
        self.since = self.loop.time()
        self._unread = self.transport.get_write_buffer_size()

    def cut(self) -> None:
        """Close the connection without waiting for the client."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 uvicorn's word is plain text
        """Answer what is not HTTP in the one shape of errors, unless an answer is on its way."""
        self._all.note("invalid")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            most = self._limits.head_bytes
            message = f"expected a request of HTTP/1.1, with a target and headers of at most {most:,} bytes together"
            self.transport.write(_answer(ApiError(400, "invalid_http", message)))
        self.transport.close()


def _answer(refusal: ApiError) -> bytes:
    """The bytes of an answer that no application makes."""
    response = refusal.response()
    headers = {**SAFE_HEADERS, "Connection": "close"}
    lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
