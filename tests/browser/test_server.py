"""The server behind the page: whom it answers, and how it ends."""

from __future__ import annotations

import base64
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import TIMEOUT_S, Server, free_port, start_page, wait_until_healthy

pytestmark = pytest.mark.browser


def handshake(server: Server, **headers: str) -> int:
    """The status with which the page's WebSocket is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest("GET", "/_stcore/stream", skip_host=True)
        fixed = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Cookie": server.cookie,
        }
        for name, value in {**fixed, "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_names_of_this_computer_are_answered(server: Server, name: str) -> None:
    host = f"{name}:{server.port}"
    assert handshake(server, Host=host, Origin=f"http://{host}") == 101


def test_a_foreign_name_for_this_computer_is_refused(server: Server) -> None:
    host = f"rebound.example:{server.port}"
    assert handshake(server, Host=host, Origin=f"http://{host}") == 403


def test_a_foreign_page_is_refused(server: Server) -> None:
    assert handshake(server, Host=f"127.0.0.1:{server.port}", Origin="http://other.example") == 403


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_the_launcher_takes_the_server_with_it(
    albums: Path, tmp_path: Path, signum: signal.Signals
) -> None:
    pytest.importorskip("streamlit", reason="streamlit is not installed")
    with start_page(albums / "colours", tmp_path) as server:
        os.kill(server.process.pid, signum)
        assert server.process.wait(TIMEOUT_S) == 0
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(("127.0.0.1", server.port))
        assert "Traceback" not in server.log.read_text()


def test_without_the_token_no_part_of_the_server_answers(server: Server) -> None:
    def status(path: str, method: str = "GET") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        finally:
            connection.close()

    host = f"127.0.0.1:{server.port}"
    assert handshake(server, Host=host, Origin=f"http://{host}", Cookie="photoseek=1") == 403
    paths = ("/", "/media/a.jpg", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/bidi-components/a/b.js")
    assert [status(path) for path in paths] == [401] * len(paths)
    assert status("/_stcore/upload_file/a/b", "PUT") == 401
    assert status("/_stcore/health") == 200


@pytest.mark.parametrize(
    ("script", "guarded"), [("streamlit_app.py", True), ("runtime/photoseek/page/script.py", False)]
)
def test_a_bare_streamlit_run_is_as_safe(albums: Path, tmp_path: Path, script: str, guarded: bool) -> None:
    pytest.importorskip("streamlit", reason="streamlit is not installed")
    file = Path(__file__).parents[2] / script
    if not file.is_file():
        pytest.skip("no checkout: the script is not part of the package")
    port, log = free_port(), tmp_path / "page.log"
    command = [sys.executable, "-m", "streamlit", "run", str(file), f"--server.port={port}", "--server.headless=true"]
    environment = {**os.environ, "PHOTOSEEK_GALLERY": str(albums / "colours"), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("PHOTOSEEK_TOKEN", None)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path, env=environment)
    try:
        running = Server(port, log, process)
        wait_until_healthy(running)
        host = f"127.0.0.1:{port}"
        assert handshake(running, Host=host, Origin=f"http://{host}") == (403 if guarded else 101)
        assert bool(re.search(r"/\?token=[\w-]{43}\n", log.read_text())) == guarded
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
