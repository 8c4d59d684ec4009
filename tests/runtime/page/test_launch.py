"""Start of the page: its command line, safe settings, and errors."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import photoseek.page
from photoseek.errors import MissingExtra, PhotoseekError
from photoseek.page import launch

TOP = Path(__file__).parents[3]


@pytest.fixture
def streamlit_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit is installed."""
    monkeypatch.setattr(launch, "find_spec", lambda _: object())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Arguments and environment of each server that would have started."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(launch, "find_spec", lambda _: object())
    monkeypatch.setattr(launch, "serve", lambda *call: calls.append(call) or 0)
    return calls


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_launcher_does_not_load_streamlit() -> None:
    code = "import sys, photoseek, photoseek.page, photoseek.page.launch; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_error_without_streamlit_contains_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'photoseek\[app\]'"):
        launch.run_page(None)


@pytest.mark.usefixtures("streamlit_found")
def test_a_port_in_use_is_refused_before_the_start(taken_port: int) -> None:
    with pytest.raises(PhotoseekError, match=f"port {taken_port}: .* in use; choose another with --port"):
        launch.run_page(None, port=taken_port)


@pytest.mark.usefixtures("streamlit_found")
@pytest.mark.parametrize(("address", "port"), [("127.0.0.1", 70_000), ("256.1.1.1", 8501), ("203.0.113.7", 8501)])
def test_an_invalid_address_or_port_is_refused(address: str, port: int) -> None:
    with pytest.raises(PhotoseekError, match="cannot listen at"):
        launch.run_page(None, address=address, port=port)


def test_the_page_listens_on_loopback_with_safe_settings() -> None:
    arguments = launch.command(port=9000, open_browser=False)
    assert arguments[:5] == [sys.executable, "-P", "-m", "streamlit", "run"]
    assert Path(arguments[5]).is_relative_to(Path(photoseek.page.__file__).parent)
    assert Path(arguments[5]).is_file()
    assert set(arguments[6:]) >= {
        "--server.address=127.0.0.1",
        "--server.port=9000",
        "--server.allowedHosts=localhost",
        "--server.allowedHosts=127.0.0.1",
        "--server.maxUploadSize=20",
        "--server.enableStaticServing=false",
        "--server.fileWatcherType=none",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
        "--client.toolbarMode=minimal",
    }


def test_a_browser_is_opened_by_default() -> None:
    assert not [argument for argument in launch.command() if "headless" in argument]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", {"localhost", "127.0.0.1", "::1"}),
        ("192.0.2.4", {"localhost", "127.0.0.1", "::1", "192.0.2.4"}),
        ("0.0.0.0", {"*"}),
    ],
)
def test_only_host_names_of_the_address_are_accepted(address: str, allowed: set[str]) -> None:
    flag = "--server.allowedHosts="
    found = [argument.removeprefix(flag) for argument in launch.command(address=address) if argument.startswith(flag)]
    assert sorted(found) == sorted(allowed)


def test_the_gallery_is_passed_in_the_environment(
    started: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOTOSEEK_GALLERY", "/before")
    assert launch.run_page(Path("album"), port=free_port()) == 0
    assert launch.run_page(None, port=free_port()) == 0
    assert [call[1]["PHOTOSEEK_GALLERY"] for call in started] == [str(tmp_path / "album"), "/before"]


def test_the_command_takes_the_gallery_of_the_environment_and_names_a_missing_one(
    started: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from photoseek.__main__ import run

    monkeypatch.setenv("PHOTOSEEK_GALLERY", str(tmp_path / "missing"))
    monkeypatch.setattr("sys.argv", ["photoseek", "app", "--no-browser", "--port", str(free_port())])
    with pytest.raises(SystemExit, match="0"):
        run()
    assert f"photoseek: no gallery at {tmp_path / 'missing'}" in capsys.readouterr().err
    assert started[0][1]["PHOTOSEEK_GALLERY"] == str(tmp_path / "missing")
    monkeypatch.setattr("sys.argv", ["photoseek", "app", "--help"])
    with pytest.raises(SystemExit, match="0"):
        run()
    assert "PHOTOSEEK_GALLERY" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "token", "warning"),
    [
        ("127.0.0.1", True, ""),
        ("127.0.0.1", False, ""),
        ("0.0.0.0", True, "unencrypted"),
        ("0.0.0.0", False, "no token is required"),
    ],
)
def test_an_address_beyond_loopback_logs_a_warning(
    started: list[tuple[list[str], dict[str, str]]],
    caplog: pytest.LogCaptureFixture,
    address: str,
    token: bool,
    warning: str,
) -> None:
    launch.run_page(None, address=address, port=free_port(), token=token)
    assert [call[1].get("PHOTOSEEK_NO_TOKEN") for call in started] == [None if token else "1"]
    assert warning in caplog.text
    assert bool(caplog.text) == bool(warning)


@pytest.mark.usefixtures("streamlit_found")
def test_a_short_token_is_refused_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOSEEK_TOKEN", "short")
    with pytest.raises(PhotoseekError, match="PHOTOSEEK_TOKEN: expected a token of at least 16"):
        launch.run_page(None, port=free_port())


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_that_of_the_server(code: int) -> None:
    assert launch.serve([sys.executable, "-c", f"raise SystemExit({code})"], {}) == code


def test_the_settings_file_equals_the_settings_of_the_launcher() -> None:
    file = TOP / ".streamlit" / "config.toml"
    if not file.is_file():
        pytest.skip("no checkout: the settings file is not part of the package")
    assert dict(flat(tomllib.loads(file.read_text("utf-8")))) == launch.SETTINGS


def flat(table: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


@pytest.mark.skipif(importlib.util.find_spec("streamlit") is None, reason="streamlit is not installed")
def test_streamlit_knows_every_setting() -> None:
    code = f"from streamlit.config import get_option\nfor name in {list(launch.SETTINGS)}: get_option(name)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_page_for_other_computers_prints_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    server = pytest.importorskip("photoseek.page.server", reason="streamlit is not installed")
    monkeypatch.setattr(server, "interface_addresses", lambda: ["192.168.1.20", "10.0.0.4"])
    for address in ("0.0.0.0", "::", ""):
        assert server.hosts(address) == ["127.0.0.1", "192.168.1.20", "10.0.0.4", socket.gethostname()]
    assert server.hosts("127.0.0.1") == ["127.0.0.1"]
