"""Start of the service: required libraries, warnings, token and limits."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from photoseek.errors import MissingExtra, PhotoseekError, QueryError
from photoseek.service import launch
from photoseek.system import access_token
from typed_commands import environment

TOKEN = "0123456789abcdef"
needs_fastapi = pytest.mark.skipif(importlib.util.find_spec("fastapi") is None, reason="fastapi is not installed")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports of the servers that would have run."""
    from photoseek.service import server

    ports: list[int] = []
    monkeypatch.setattr(server, "run_server", lambda built: ports.append(built.config.port) or 0)
    return ports


def test_the_launcher_loads_no_server_library() -> None:
    code = "import sys, photoseek, photoseek.service.launch\n"
    code += "sys.exit(bool({'fastapi', 'uvicorn', 'pydantic', 'starlette', 'prometheus_client'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_error_names_missing_libraries_and_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "find_spec", lambda name: None if name == "uvicorn" else object())
    with pytest.raises(MissingExtra, match=r"needs uvicorn; install it with: pip install 'photoseek\[serve\]'"):
        launch.run_service(Path("/nowhere"))


@needs_fastapi
@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize(
    ("address", "token", "warning"),
    [
        ("127.0.0.1", None, ""),
        ("127.0.0.1", TOKEN, ""),
        ("0.0.0.0", None, "no token is required: anyone who reaches 0.0.0.0 port"),
        ("0.0.0.0", TOKEN, "unencrypted"),
    ],
)
def test_an_address_beyond_loopback_logs_a_warning(
    photos: Path,
    started: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    address: str,
    token: str | None,
    warning: str,
) -> None:
    monkeypatch.delenv(access_token.TOKEN_VARIABLE, raising=False)
    if token is not None:
        monkeypatch.setenv(access_token.TOKEN_VARIABLE, token)
    assert launch.run_service(photos, address=address, port=0) == 0
    assert started == [0]
    assert bool(caplog.text) == bool(warning)
    assert warning in caplog.text
    assert TOKEN not in caplog.text


@needs_fastapi
def test_a_port_in_use_is_refused_before_the_gallery_is_opened() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PhotoseekError, match=f"port {port}: .* in use; choose another with --port"):
            launch.run_service(Path("/nowhere"), port=port)


def test_the_token_comes_from_the_file_or_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(access_token.TOKEN_VARIABLE, raising=False)
    assert access_token.read_token(None) is None
    monkeypatch.setenv(access_token.TOKEN_VARIABLE, "of-the-environment")
    assert access_token.read_token(None) == "of-the-environment"
    (tmp_path / "token").write_text(f"  {TOKEN}\n")
    assert access_token.read_token(tmp_path / "token") == TOKEN


@pytest.mark.parametrize("token", ["", "\n", "0123456789abcde", "0123456789 abcdef", "0123456789abcdé12", "a\nb" * 9])
def test_a_weak_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    (tmp_path / "token").write_text(token, "utf-8")
    with pytest.raises(QueryError, match="expected a token of at least 16 letters and digits") as refused:
        access_token.read_token(tmp_path / "token")
    assert not token.strip() or token.strip() not in str(refused.value)
    monkeypatch.setenv(access_token.TOKEN_VARIABLE, token)
    with pytest.raises(QueryError, match=access_token.TOKEN_VARIABLE):
        access_token.read_token(None)


@pytest.mark.parametrize("address", ["*", "proxy", "10.0.0.1/8", "127.0.0.1:80", ""])
def test_an_invalid_proxy_address_is_refused(address: str) -> None:
    with pytest.raises(QueryError, match="--proxy-headers: expected addresses or networks of proxies"):
        launch.as_network(address)
    assert launch.as_network(" 10.0.0.0/8 ") == "10.0.0.0/8"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on open files")
@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised"), [(64, 4_096, 1_000, 4_096), (64, 256, 64, 256), (64, 100, 1, 100)]
)
def test_the_limit_on_open_files_is_raised_and_limits_the_connections(
    soft: int, hard: int, connections: int, raised: int
) -> None:
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        "from photoseek.service.limits import Limits;"
        "from photoseek.service.open_files import raise_open_files, within_open_files;"
        "files = raise_open_files(); print(files, within_open_files(Limits(), files).connections)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.split() == [str(raised), str(connections)]
    assert ("open files allow" in done.stderr) == (connections < 1_000)
