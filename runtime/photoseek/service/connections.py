"""Open connections: their number, and how long the server waits for each client."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import defaultdict
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from photoseek.service.errors import ApiError
from photoseek.service.limits import Limits
from photoseek.service.metrics import Metrics
from photoseek.service.middleware import SAFE_HEADERS

_log = logging.getLogger(__name__)

_BATCH = 32  # connections closed at a time, so that the search for them is rare
_SWEEP_S = 1.0
_NETWORK_BITS = 64  # of an IPv6 address; the owner of the network controls the rest


@lru_cache(maxsize=4096)
def client_key(host: str) -> str:
    """Return the key of a client's address: an IPv4 address, or the /64 network of an IPv6 address.

    Args:
        host: The address, as the ASGI scope or a socket reports it. Any other text is its own key.
    """
    try:
        address = ip_address(host.partition("%")[0])  # a link-local address ends in its zone
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _NETWORK_BITS), strict=False))


class Connections:
    """Limit the number of connections, and close those whose client is too slow.

    All states of a connection count: no byte received, half a head, half a body, a response that is not read, idle.
    If there is no room for a new connection, the server closes those that have waited longest for their client,
    starting with the address that has the most of them, so that a client cannot lock out others. It refuses a
    connection only if it is processing requests on all others.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._open: set[BoundedProtocol] = set()
        self._sweeping = False

    def add(self, connection: BoundedProtocol) -> bool:
        """Count a new connection, and return whether there is room for it."""
        if len(self._open) >= self.limits.connections and not self._make_room():
            self.count_closed("refused")
            _log.warning("refused a connection: requests are being processed on all %d", self.limits.connections)
            return False
        self._open.add(connection)
        self._metrics.connections.set(len(self._open))
        if not self._sweeping:
            self._sweeping = True
            self._sweep_later()
        return True

    def remove(self, connection: BoundedProtocol) -> None:
        """Stop counting a closed connection."""
        self._open.discard(connection)
        self._metrics.connections.set(len(self._open))

    def count_closed(self, reason: str) -> None:
        """Count a connection that the server closes."""
        self._metrics.connections_closed.labels(reason).inc()

    def _make_room(self) -> bool:
        waiting: defaultdict[str, list[BoundedProtocol]] = defaultdict(list)
        for connection in sorted(self._open, key=lambda it: it.since, reverse=True):
            if connection.patience() is not None:
                waiting[connection.client_key].append(connection)
        cut = 0
        while waiting and cut < min(_BATCH, 1 + self.limits.connections // 8):
            most = max(waiting, key=lambda client: len(waiting[client]))
            self._cut(waiting[most].pop(), "room")
            cut += 1
            if not waiting[most]:
                del waiting[most]
        if cut:
            _log.warning("closed %d connections that waited for their clients, to make room for new ones", cut)
        return cut > 0

    def _sweep_later(self) -> None:
        seconds = min(_SWEEP_S, self.limits.wait_seconds / 4)
        asyncio.get_running_loop().call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._open):
            patience = connection.patience()
            if patience is not None and now - connection.since > patience:
                self._cut(connection, "timeout")
        self._sweeping = bool(self._open)
        if self._sweeping:
            self._sweep_later()

    def _cut(self, connection: BoundedProtocol, reason: str) -> None:
        self.count_closed(reason)
        self.remove(connection)
        connection.transport.abort()


class BoundedProtocol(H11Protocol):
    """One connection, closed if its client is too slow or there are too many connections.

    uvicorn (0.54) limits the size of a request head and the time between two requests. It does not limit the time for a
    head or a body to arrive or for a response to be read, and counts connections only when a request is complete
    (``limit_concurrency``). ``transport.close()`` waits for the client to read; only ``transport.abort()`` does not.

    Attributes:
        client_key: Key of the client's address.
        since: When the connection entered its state, by the event loop's clock.
    """

    def __init__(self, *arguments: Any, connections: Connections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.client_key = ""
        self.since = 0.0
        self._body_bytes = 0
        self._unread = 0
        self._all = connections
        self._limits = connections.limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count a new connection, or refuse it."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self.client_key = client_key(self.client[0] if self.client else "")
        if not self._all.add(self):
            error = ApiError(503, "overloaded", "too many connections; reconnect in a second", {"Retry-After": "1"})
            transport.write(_response_bytes(error))
            transport.close()
            return
        transport.set_write_buffer_limits(high=self._limits.send_bytes)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):  # otherwise the kernel buffers megabytes for a client that does not read
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
        """Return how many seconds the server waits for the client in this state, or None while it does not wait."""
        limits = self._limits
        if unread := self.transport.get_write_buffer_size():
            if unread <= self._unread - limits.send_bytes:
                self._restart_reading()
            return limits.wait_seconds
        if self.conn.their_state is h11.IDLE:
            idle = self.timeout_keep_alive_task is not None and not self.conn.trailing_data[0]
            return limits.idle_seconds if idle else limits.wait_seconds
        if self.conn.their_state is h11.SEND_BODY:
            if self.cycle.response_complete:  # the rest of the body is discarded
                return limits.wait_seconds
            return 2 * limits.wait_seconds + self._body_bytes / limits.body_rate  # BodyLimit responds with 408 before
        return None

    def _restart_reading(self) -> None:
        self.since = self.loop.time()
        self._unread = self.transport.get_write_buffer_size()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 uvicorn's message is plain text
        """Respond to invalid HTTP with a JSON error, unless a response has begun."""
        self._all.count_closed("invalid")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            most = self._limits.head_bytes
            message = f"expected an HTTP/1.1 request with a target and headers of at most {most:,} bytes in total"
            self.transport.write(_response_bytes(ApiError(400, "invalid_http", message)))
        self.transport.close()


def _response_bytes(error: ApiError) -> bytes:
    """Return the bytes of a response that does not come from the application."""
    response = error.response()
    headers = {**SAFE_HEADERS, "Connection": "close"}
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
