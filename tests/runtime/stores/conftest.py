"""Real stores: PostgreSQL with pgvector, Milvus Lite in a folder, and Milvus Lite as a server."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from milvus_server import MilvusServer, running_milvus
from postgres_server import PostgresServer, running_postgres

_SERVICE = ("fastapi", "uvicorn", "python_multipart", "prometheus_client", "httpx")
collect_ignore = [] if all(map(find_spec, _SERVICE)) else ["test_service.py"]

KINDS = ("pgvector", "milvus-lite", "milvus-server")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    _need_milvus()
    with running_milvus(tmp_path_factory.mktemp("milvus") / "data") as server:
        yield server


@pytest.fixture(autouse=True)
def leaks_are_collected() -> Iterator[None]:
    """Make a connection that a test leaves open fail that test, and not a later one."""
    yield
    gc.collect()


@pytest.fixture(params=KINDS)
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URI of a store; each gallery has a separate collection."""
    return uri_of(request.param, request, tmp_path)


@pytest.fixture(params=KINDS[:2])
def fast_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URIs of one store of each kind."""
    return uri_of(request.param, request, tmp_path)


@pytest.fixture
def postgres_uri(postgres: PostgresServer) -> str:
    """URI of the fastest store, for tests of behavior that all stores share."""
    return postgres.uri


def uri_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "pgvector":
        return str(request.getfixturevalue("postgres").uri)
    if kind == "milvus-server":
        return str(request.getfixturevalue("milvus_server").uri)
    _need_milvus()
    return str(folder / "photos.db")


def _need_milvus() -> None:
    pytest.importorskip("milvus_lite")
    pytest.importorskip("pymilvus")
