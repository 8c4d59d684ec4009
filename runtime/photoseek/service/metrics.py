"""Metrics of ``/metrics``, in a separate registry."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset(("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Metrics:
    """Counters, gauges and histograms of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.", "route", "method", "status")
        self.request_seconds = self._histogram("request", "From a request to the end of its response.", "route")
        self.in_flight = self._gauge("requests_in_flight", "Requests being read, queued or processed.")
        self.connections = self._gauge("connections", "Open connections, including idle ones.")
        self.connections_closed = self._counter("connections_closed", "Connections closed by the server.", "reason")
        self.encode_seconds = self._histogram("encode", "From a query to its vector.", "kind")
        self.search_seconds = self._histogram("search", "From a vector to its hits.")
        self.wait_seconds = self._histogram("wait", "Wait for a free core.")
        self.photos = self._gauge("gallery_photos", "Searchable photos.")
        self.generation = self._gauge("gallery_generation", "Number of the current generation.")
        self.ready = self._gauge("ready", "1 if the gallery responds, else 0.")

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"photoseek_{name}", description, labels, registry=self.registry)

    def _gauge(self, name: str, description: str) -> Gauge:
        return Gauge(f"photoseek_{name}", description, registry=self.registry)

    def _histogram(self, name: str, description: str, *labels: str) -> Histogram:
        return Histogram(f"photoseek_{name}_seconds", description, labels, registry=self.registry, buckets=_SECONDS)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Count and time every request, including refused ones."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # if the application ends without a response

        async def record_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        started = time.perf_counter()
        try:
            with self._metrics.in_flight.track_inprogress():
                await self._app(scope, receive, record_status)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # the pattern: every path would be a separate label
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.request_seconds.labels(route).observe(time.perf_counter() - started)
