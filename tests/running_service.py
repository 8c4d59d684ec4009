"""The service on a real socket, in a thread of this process or in a new process."""

from __future__ import annotations

import faulthandler
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from starlette.types import ASGIApp

from photoseek.service.limits import Limits
from photoseek.service.metrics import Metrics
from photoseek.service.server import make_server
from typed_commands import environment


@contextmanager
def running(
    app: ASGIApp,
    *,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
    trusted_proxies: Sequence[str] = (),
    lifespan: str = "on",
    root_path: str = "",
    **headers: str,
) -> Iterator[httpx.Client]:
    """Run an application on a free port, with the settings of the product, and yield a client."""
    server = make_server(
        app,
        limits or Limits(),
        metrics or Metrics(),
        trusted_proxies=trusted_proxies,
        lifespan=lifespan,
        root_path=root_path,
        log_config=None,
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with client_of(port, **headers) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        if thread.is_alive():
            faulthandler.dump_traceback()
            raise TimeoutError("the server does not end")


def client_of(port: int, **headers: str) -> httpx.Client:
    """Return a client without a proxy."""
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False)


@contextmanager
def process(
    *arguments: object, open_files: int | None = None, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run ``photoseek serve``, wait until it is ready, and yield the process and a client.

    Args:
        arguments: Of the command.
        open_files: The soft limit that it starts with. None: this process's.
        variables: Of its environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "photoseek", "serve", "--port", str(port), *map(str, arguments)]
    if open_files is not None:
        command = ["sh", "-c", f'ulimit -Sn {open_files} && exec "$@"', "sh", *command]
    with subprocess.Popen(
        command,
        env=environment(**variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as started:
        try:
            with client_of(port) as client:
                wait_until_ready(started, client)
                yield started, client
        finally:
            started.kill()


def wait_until_ready(started: subprocess.Popen[str], client: httpx.Client) -> None:
    """Wait until the service is ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert started.poll() is None, started.communicate()[0]
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.ConnectError:
            time.sleep(0.05)
    raise AssertionError("not ready within a minute")


class SlowUpload:
    """Upload of a form with a photo, whose last byte is sent by ``finish``."""

    def __init__(self, port: int, photo: bytes) -> None:
        body = form(photo)
        self._rest = body[-1:]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        head = "POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        head += f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body[:-1])

    def is_answered(self, seconds: float = 1.0) -> bool:
        """Return whether the service responds before the last byte is sent."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def finish(self) -> bytes:
        """Send the last byte and return the response."""
        self._socket.sendall(self._rest)
        return self.answer()

    def answer(self) -> bytes:
        """Return all bytes until the server closes the connection."""
        parts = []
        while part := self._socket.recv(65_536):
            parts.append(part)
        self._socket.close()
        return b"".join(parts)


def form(photo: bytes) -> bytes:
    """Return a form with boundary ``x`` that searches for one photo similar to this one."""
    head = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    file = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p.png"\r\n\r\n'
    return head % b"k" + b"1\r\n" + file + photo + b"\r\n--x--\r\n"
