"""The open connections of a server: how many there are, and how long it waits for each client."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from photoseek.service.limits import Limits
from photoseek.service.metrics import Metrics

_log = logging.getLogger(__name__)

_BATCH = 32  # connections closed at a time, so that the search for them is rare
_SWEEP_S = 1.0
_NETWORK_BITS = 64  # of an IPv6 address; the owner of the network chooses the rest at will


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


class Connection(Protocol):
    """State of a connection.

    Attributes:
        client_key: Key of the address at its other end.
        since: When it entered its state, by the event loop's clock.
    """

    client_key: str
    since: float

    def patience(self) -> float | None:
        """Return how many seconds the server waits for the client in this state, or None on the server's turn."""

    def cut(self) -> None:
        """Close the connection at once."""


class Connections:
    """Limit the number of connections, and close those whose client is too slow.

    All states of a connection count: no byte received, half a head, half a body, a response that is not read, idle.
    If there is no room for a new connection, the server closes those that have waited longest for their client,
    starting with the address that has the most of them: whoever fills the server with connections loses these, and a
    new client still gets in. It refuses a connection only if it is processing requests on all others.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._open: set[Connection] = set()
        self._sweeping = False

    def add(self, connection: Connection) -> bool:
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

    def remove(self, connection: Connection) -> None:
        """Stop counting a closed connection."""
        self._open.discard(connection)
        self._metrics.connections.set(len(self._open))

    def count_closed(self, reason: str) -> None:
        """Count a connection that the server closes."""
        self._metrics.connections_closed.labels(reason).inc()

    def _make_room(self) -> bool:
        waiting: defaultdict[str, list[Connection]] = defaultdict(list)
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

    def _cut(self, connection: Connection, reason: str) -> None:
        self.count_closed(reason)
        self.remove(connection)
        connection.cut()
