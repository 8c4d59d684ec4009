"""The server of the page: host names, origins, and a bare ``streamlit run``."""

from __future__ import annotations

import base64
import http.client
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import TIMEOUT_S, Server, running_page

pytestmark = pytest.mark.browser

TOP = Path(__file__).parents[2]


def status(server: Server, path: str, method: str = "GET") -> int:
    """Return the status of a request without the token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


def handshake(server: Server, host: str, *, origin: str | None = None, cookie: str | None = None) -> int:
    """Return the status of a WebSocket handshake."""
    headers = {
        "Host": host,
        "Origin": origin or f"http://{host}",
        "Cookie": server.cookie if cookie is None else cookie,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest("GET", "/_stcore/stream", skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_local_host_names_are_accepted(server: Server, name: str) -> None:
    assert handshake(server, f"{name}:{server.port}") == 101


def test_other_host_names_and_origins_are_refused(server: Server) -> None:
    assert handshake(server, f"rebound.example:{server.port}") == 403
    assert handshake(server, f"127.0.0.1:{server.port}", origin="http://other.example") == 403


def test_every_part_of_the_server_needs_the_token(server: Server) -> None:
    assert handshake(server, f"127.0.0.1:{server.port}", cookie="photoseek=1") == 403
    core = ("host-config", "metrics", "bidi-components/a/b.js")
    paths = ["/", "/media/a.jpg", "/photo/a/1/card", *(f"/_stcore/{path}" for path in core)]
    assert [status(server, path) for path in paths] == [401] * len(paths)
    assert status(server, "/_stcore/upload_file/a/b", "PUT") == 401
    assert status(server, "/_stcore/health") == 200


def test_a_bare_streamlit_run_requires_the_token_or_shows_no_gallery(albums: Path, tmp_path: Path) -> None:
    scripts = {TOP / "streamlit_app.py": True, TOP / "runtime/photoseek/page/script.py": False}
    if not all(script.is_file() for script in scripts):
        pytest.skip("no checkout: the script is not part of the package")

    def is_gated(script: Path) -> bool:
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
        folder = tmp_path / script.stem
        folder.mkdir()
        gallery = {"PHOTOSEEK_GALLERY": str(albums / "colors")}
        with running_page(command, folder, stop_signal=None, port_option="--server.port", **gallery) as server:
            refused = handshake(server, f"127.0.0.1:{server.port}", cookie="") == 403
            assert bool(re.search(r"/\?token=[\w-]+\n", server.log.read_text())) == refused
            return refused

    with ThreadPoolExecutor(len(scripts)) as pool:
        assert dict(zip(scripts, pool.map(is_gated, scripts), strict=True)) == scripts
