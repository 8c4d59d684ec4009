"""uvicorn with the limits of the service."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from photoseek.service.connections import BoundedProtocol, Connections
from photoseek.service.limits import Limits
from photoseek.service.log_rate import limit_log_rate
from photoseek.service.metrics import Metrics

_SHUTDOWN_S = 30  # for requests in flight


def make_server(
    app: ASGIApp,
    limits: Limits,
    metrics: Metrics,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    root_path: str = "",
    trusted_proxies: Sequence[str] = (),
    **options: Any,
) -> uvicorn.Server:
    """Return a server that enforces the limits.

    Args:
        app: Application to serve.
        limits: Limits of its connections.
        metrics: Where connections are counted.
        address: Address to listen on.
        port: Port to listen on; 0 selects a free one.
        root_path: Prefix under which a proxy serves it; the proxy removes it from the path.
        trusted_proxies: Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are used.
        **options: Further options of ``uvicorn.Config``.
    """
    connections = Connections(limits, metrics)
    config = uvicorn.Config(
        app,
        host=address,
        port=port,
        root_path=root_path,
        http=partial(BoundedProtocol, connections=connections),  # type: ignore[arg-type]  # called like a class
        ws="none",
        use_colors=False,  # control characters in a message are escaped
        access_log=False,  # /metrics counts requests
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),  # otherwise uvicorn trusts loopback and FORWARDED_ALLOW_IPS
        h11_max_incomplete_event_size=limits.head_bytes,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        **options,
    )
    return uvicorn.Server(config)


def run_server(server: uvicorn.Server) -> int:
    """Serve until SIGTERM or SIGINT, with a limited log rate, and return the exit code."""
    limit_log_rate()
    with _ignore_signals_after_shutdown():
        server.run()
    return 0 if server.started else 1


@contextmanager
def _ignore_signals_after_shutdown() -> Iterator[None]:
    """Ignore the signal that uvicorn re-raises after a shutdown, which would cause an exit code other than 0."""
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
