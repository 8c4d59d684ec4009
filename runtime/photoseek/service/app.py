"""The service put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.service.backend import Backend
from photoseek.service.bounds import BodyLimit, ConcurrencyLimit, HeadLimit
from photoseek.service.errors import ApiError, add_handlers
from photoseek.service.headers import SafeHeaders
from photoseek.service.limits import Limits
from photoseek.service.metrics import Metrics, MetricsMiddleware
from photoseek.service.middleware import AllowedHosts, BearerToken, SameOrigin
from photoseek.service.readiness import Readiness
from photoseek.service.routes.health import operation_routes
from photoseek.service.routes.photos import picture_routes
from photoseek.service.routes.search import query_routes
from photoseek.system.network import LOCAL_NAMES
from photoseek.version import __version__

_QUIET: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class _App(FastAPI):
    """FastAPI whose every response has the safe headers, those of unexpected errors included."""

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap what answers errors, too."""
        return SafeHeaders(super().build_middleware_stack())


def make_app(
    searcher: Searcher,
    *,
    reranker: Reranker | None = None,
    token: str | None = None,
    hosts: Sequence[str] = LOCAL_NAMES,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        searcher: Over the gallery, in the mode ``service``.
        reranker: Over that searcher, for requests that do not say ``"rerank": false``. None: hits are as found.
        token: What callers have to show. None: nothing.
        hosts: The names that it may be called by; ``*`` stands for any.
        limits: What it accepts. None: the defaults.
        metrics: Where it counts. None: its own counters.
    """
    limits = limits or Limits()
    metrics = metrics or Metrics()
    backend = Backend(searcher, metrics, reranker)
    readiness = Readiness(backend)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warm(readiness))
        yield
        await warming
        backend.workers.close()

    app = _App(
        telemetry=_QUIET,  # nothing leaves the machine, whatever its environment asks of OpenTelemetry
        title="photoseek",
        summary="Find photos by what they show.",
        version=__version__,
        docs_url=None,  # these pages would load their scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        middleware=_guards(metrics, hosts, token, limits),
    )
    add_handlers(app)
    shown = [] if token is None else [Depends(HTTPBearer(auto_error=False))]  # for the schema: Token is the guard
    app.include_router(query_routes(backend), dependencies=shown)
    app.include_router(picture_routes(backend), dependencies=shown)
    app.include_router(operation_routes(backend, readiness))
    return app


def _guards(metrics: Metrics, hosts: Sequence[str], token: str | None, limits: Limits) -> list[Middleware]:
    """From the outermost: nothing is read of a request before it is known who asks."""
    return [
        Middleware(MetricsMiddleware, metrics),
        Middleware(HeadLimit, limits),
        Middleware(AllowedHosts, hosts),
        *([] if token is None else [Middleware(BearerToken, token)]),
        Middleware(SameOrigin),
        Middleware(ConcurrencyLimit, limits),
        Middleware(BodyLimit, limits),
    ]


async def _warm(readiness: Readiness) -> None:
    """Load the text towers while the first callers are still to come."""
    with suppress(ApiError):  # told by /readyz, and in the log
        await readiness.check()
