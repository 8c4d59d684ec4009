"""A server with Milvus' protocol: Milvus Lite in a separate process."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typed_commands import environment

_WAIT_S = 60


class MilvusServer:
    """A server that can be stopped and restarted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        arguments = ["server", "--data-dir", str(self._folder), "--port", str(self._port)]
        code = "import sys; from milvus_lite.cmdline import main; sys.exit(main())"
        with self._folder.with_suffix(".log").open("ab") as log:
            command = [sys.executable, "-c", code, *arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment())
        until = time.monotonic() + _WAIT_S
        while not _listens(self._port):
            assert self._process.poll() is None, self._folder.with_suffix(".log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


@contextmanager
def running_milvus(folder: Path) -> Iterator[MilvusServer]:
    """Run a server with its data in this folder."""
    server = MilvusServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
