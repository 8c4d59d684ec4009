"""``photoseek serve`` as a process: options, errors and shutdown."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import pytest

from photoseek import Gallery
from running_service import SlowUpload, process
from typed_commands import photoseek_command


def is_listening(port: int) -> bool:
    """Return whether new connections are accepted."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_after_the_requests_in_flight(
    gallery: Gallery, photos: Path, stop_signal: signal.Signals
) -> None:
    with process("--gallery", gallery.path) as (started, client):
        port = client.base_url.port
        assert port is not None
        upload = SlowUpload(port, (photos / "blue" / "blue-1.png").read_bytes())
        while "photoseek_requests_in_flight 2.0" not in client.get("/metrics").text:  # this one is the second
            pass
        started.send_signal(stop_signal)
        while is_listening(port):
            time.sleep(0.01)
        assert started.poll() is None
        answer = upload.finish()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"path":"blue/blue-1.png"' in answer
        said = started.communicate(timeout=30)[0]
        assert started.returncode == 0, said
        assert "Traceback" not in said


def test_options_reach_the_service(gallery: Gallery, tiny_bundle_path: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    options = ("--bundle", tiny_bundle_path, "--precision", "fp32", "--engine", "exact")
    with process("--gallery", gallery.path, *options, "--token-file", tmp_path / "token") as (_, client):
        assert client.post("/v1/search", json={"text": "red"}).status_code == 401
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        assert client.post("/v1/search", json={"text": "red"}, headers=headers).json()["hits"][0]["path"][:4] == "red/"


def test_the_environment_can_set_the_token(gallery: Gallery) -> None:
    with process("--gallery", gallery.path, PHOTOSEEK_TOKEN="0123456789abcdef") as (_, client):
        assert client.get("/v1/photos/1").status_code == 401
        assert client.get("/v1/photos/1", headers={"Authorization": "Bearer 0123456789abcdef"}).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--gallery", "/nowhere"), 1, "no gallery at /nowhere"),
        (("--gallery", "{gallery}", "--precision", "int8"), 1, "has no int8; it has fp32"),
        (("--gallery", "{gallery}", "--address", "203.0.113.7"), 1, "cannot listen at 203.0.113.7"),
        (("--gallery", "{gallery}", "--token-file", "/dev/null"), 2, "expected a token of at least 16"),
        (("--gallery", "{gallery}", "--token-file", "/nowhere"), 1, "No such file"),
    ],
)
def test_a_failed_start_prints_one_line(gallery: Gallery, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = photoseek_command("serve", "--port", 0, *(argument.format(gallery=gallery.path) for argument in arguments))
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert message in done.stderr
