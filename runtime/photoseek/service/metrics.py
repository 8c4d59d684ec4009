"""What ``/metrics`` tells, in a registry of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset(("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Metrics:
    """Counters and clocks of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "photoseek_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.request_seconds = self._clock("request", "From the first byte of a request to the last answer.", "route")
        self.in_flight = Gauge("photoseek_requests_in_flight", "Requests being answered.", registry=self.registry)
        self.connections = Gauge(
            "photoseek_connections", "Open connections, idle ones included.", registry=self.registry
        )
        self.connections_closed = Counter(
            "photoseek_connections_closed", "Connections that the server closed.", ("reason",), registry=self.registry
        )
        self.encode_seconds = self._clock("encode", "From a query to its vector.", "kind")
        self.search_seconds = self._clock("search", "From a vector to its hits.")
        self.wait_seconds = self._clock("wait", "In the queue before a core was free.")
        self.photos = Gauge("photoseek_gallery_photos", "Photos that a query can find.", registry=self.registry)
        self.generation = Gauge(
            "photoseek_gallery_generation", "Number of the generation that answers.", registry=self.registry
        )
        self.ready = Gauge("photoseek_ready", "1 where the gallery answers, else 0.", registry=self.registry)

    def _clock(self, name: str, told: str, *labels: str) -> Histogram:
        return Histogram(f"photoseek_{name}_seconds", told, labels, registry=self.registry, buckets=_SECONDS)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """In flight, as long as the block lasts."""
        with self.in_flight.track_inprogress():
            yield


class MetricsMiddleware:
    """ASGI middleware: counts and times every request, refused ones too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # where the application ends without an answer

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        started = time.perf_counter()
        try:
            with self._metrics.counted():
                await self._app(scope, receive, note)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # the pattern: a path would be a label of its own
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.request_seconds.labels(route).observe(time.perf_counter() - started)
