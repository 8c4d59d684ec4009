"""The server behind the page: whom it answers, and how it ends."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import socket
from pathlib import Path

import pytest

from .conftest import TIMEOUT_S, Server, start_page

pytestmark = pytest.mark.browser


def handshake(server: Server, **headers: str) -> int:
    """The status with which the page's WebSocket is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest("GET", "/_stcore/stream", skip_host=True)
        fixed = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Cookie": server.cookie}
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
