"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from photoseek.search.reranker import Reranker
from photoseek.search.searcher import Searcher
from photoseek.service.backend import Backend
from photoseek.service.bounds import BodyLimit, ConcurrencyLimit, HeadLimit
from photoseek.service.cors import AllowedOrigins
from photoseek.service.errors import ApiError, add_handlers
from photoseek.service.indexing import Indexing
from photoseek.service.limits import Limits
from photoseek.service.metrics import Metrics, MetricsMiddleware
from photoseek.service.middleware import (
    AllowedHosts,
    BearerToken,
    HeadRequests,
    SafeHeaders,
    SameOrigin,
)
from photoseek.service.openapi import add_bodies
from photoseek.service.readiness import Readiness
from photoseek.service.routes.folders import folder_routes
from photoseek.service.routes.health import operation_routes
from photoseek.service.routes.index import index_routes
from photoseek.service.routes.photos import photo_routes
from photoseek.service.routes.search import query_routes
from photoseek.service.status_schemas import SUMMARY
from photoseek.system.network import LOCAL_NAMES
from photoseek.version import __version__

_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class _App(FastAPI):
    """FastAPI with the safe headers on every response, including those to unexpected errors."""

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap the middleware that responds to errors as well."""
        return SafeHeaders(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with the bodies that the routes parse themselves."""
        if self.openapi_schema is None:
            self.openapi_schema = add_bodies(super().openapi())
        return self.openapi_schema


def make_app(
    searcher: Searcher,
    *,
    reranker: Reranker | None = None,
    token: str | None = None,
    index_token: str | None = None,
    hosts: Sequence[str] = LOCAL_NAMES,
    origins: Sequence[str] = (),
    limits: Limits | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """Return the service as an ASGI application.

    Args:
        searcher: Searcher of the gallery, in the mode ``service``.
        reranker: Reranker over that searcher, for requests without ``"rerank": false``. None: hits are not reranked.
        token: Token that clients must send. None: no token.
        index_token: Token of clients that may also index the gallery. None: nobody may.
        hosts: Accepted host names; ``*`` accepts any.
        origins: Origins, such as ``https://photos.example``, whose web pages may use the service.
        limits: Limits of requests. None: the defaults.
        metrics: Where requests are counted. None: new metrics.
    """
    limits = limits or Limits()
    metrics = metrics or Metrics()
    backend = Backend(searcher, metrics, reranker)
    readiness = Readiness(backend, limits.readiness_seconds)
    indexing = Indexing(searcher)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warm(readiness))
        yield
        await warming
        await asyncio.to_thread(indexing.close)
        backend.close()

    app = _App(
        telemetry=_NO_TELEMETRY,  # overrides environment variables that configure OpenTelemetry
        title="photoseek",
        summary=SUMMARY,
        version=__version__,
        docs_url=None,  # these pages load scripts from other hosts
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        middleware=_middleware(metrics, hosts, origins, (token, index_token), limits),
    )
    add_handlers(app)
    schema = [] if token is None else [Depends(HTTPBearer(auto_error=False))]  # documents BearerToken in the schema
    app.include_router(query_routes(backend), dependencies=schema)
    app.include_router(photo_routes(backend), dependencies=schema)
    app.include_router(folder_routes(backend), dependencies=schema)
    app.include_router(index_routes(indexing))
    app.include_router(operation_routes(backend, readiness))
    return app


def _middleware(
    metrics: Metrics,
    hosts: Sequence[str],
    origins: Sequence[str],
    tokens: tuple[str | None, str | None],
    limits: Limits,
) -> list[Middleware]:
    """Return the middleware, the outermost first: no body is read before the client is authorized."""
    return [
        Middleware(MetricsMiddleware, metrics),
        Middleware(AllowedOrigins, origins),
        Middleware(HeadLimit, limits),
        Middleware(AllowedHosts, hosts),
        Middleware(BearerToken, *tokens),
        Middleware(SameOrigin),
        Middleware(ConcurrencyLimit, limits),
        Middleware(BodyLimit, limits),
        Middleware(HeadRequests),
    ]


async def _warm(readiness: Readiness) -> None:
    """Load the text towers before the first request."""
    with suppress(ApiError):  # reported by /readyz and in the log
        await readiness.check()
