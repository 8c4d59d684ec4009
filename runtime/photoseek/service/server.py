"""uvicorn as the service runs it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from photoseek.service.connections import Connections
from photoseek.service.limits import Limits
from photoseek.service.log_rate import limit_log_rate
from photoseek.service.metrics import Metrics
from photoseek.service.protocol import BoundedProtocol

_GRACE_S = 30  # for requests in flight, once asked to end


def make_server(
    app: ASGIApp,
    limits: Limits,
    metrics: Metrics,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    trusted_proxies: Sequence[str] = (),
    **options: Any,
) -> uvicorn.Server:
    """Return a server that holds the limits.

    Args:
        app: What it serves.
        limits: On its connections.
        metrics: Where it counts them.
        address: Where it listens, as is ``port``; 0 is any free one.
        port: As ``address``.
        trusted_proxies: Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` it believes.
        **options: Of ``uvicorn.Config``.
    """
    connections = Connections(limits, metrics)
    config = uvicorn.Config(
        app,
        host=address,
        port=port,
        http=partial(BoundedProtocol, connections=connections),  # type: ignore[arg-type]  # called as a class is
        ws="none",
        use_colors=False,  # control characters in a message are escaped
        access_log=False,  # /metrics counts; who asked from where is the business of the server before this one
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),  # else uvicorn trusts loopback, and FORWARDED_ALLOW_IPS
        h11_max_incomplete_event_size=limits.head_bytes,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=_GRACE_S,
        **options,
    )
    return uvicorn.Server(config)


def run_until_asked_to_end(server: uvicorn.Server) -> int:
    """Serve until SIGTERM or SIGINT, with a bounded log. Returns the exit code."""
    limit_log_rate()
    with _handle_sigterm():
        server.run()
    return 0 if server.started else 1


@contextmanager
def _handle_sigterm() -> Iterator[None]:
    """uvicorn sends itself once more, at its end, the signal that ended it: here that is no failure."""
    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield
        return
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(*_: object) -> None:
    """Do nothing."""
