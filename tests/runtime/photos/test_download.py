"""Photos at a URL are fetched only if asked for, and errors name the URL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from photoseek import Gallery
from photoseek.cli.app import app
from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.download import download_photo
from tiny_bundle import COLORS
from tiny_photos import write_color

requests: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    photo = b""

    def do_GET(self) -> None:
        requests.append(self.path)
        self.send_response(200 if self.path == "/red.png" else 404)
        self.end_headers()
        self.wfile.write(self.photo)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    write_color(tmp_path / "served.png", COLORS["red"], seed=7)
    _Handler.photo = (tmp_path / "served.png").read_bytes()
    requests.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_url_is_fetched_only_with_allow_url(server: str, gallery: Gallery) -> None:
    command = ["search", "--image", f"{server}/red.png", "--gallery", str(gallery.path), "-k", "1", "--paths"]
    refused = CliRunner().invoke(app, command)
    assert "found the URL" in str(refused.exception)
    assert "pass --allow-url to fetch it, or download it" in str(refused.exception)
    assert requests == []
    found = CliRunner().invoke(app, [*command, "--allow-url"], catch_exceptions=False)
    assert "/red/red-" in found.stdout
    assert requests == ["/red.png"]


def test_what_cannot_be_fetched_is_an_error_with_its_url(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhotoError, match=r"/gone\.png: cannot be fetched: Not Found"):
        download_photo(f"{server}/gone.png")
    with pytest.raises(PhotoError, match=r"http://127\.0\.0\.1:1/a\.png: cannot be fetched"):
        download_photo("http://127.0.0.1:1/a.png")
    with pytest.raises(PhotoError, match="expected a URL that starts with http"):
        download_photo("file:///etc/hostname")
    monkeypatch.setattr(formats, "MAX_BYTES", 10)
    with pytest.raises(PhotoError, match="at most"):
        download_photo(f"{server}/red.png")
