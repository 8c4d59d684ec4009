"""Start the page: Streamlit in a separate process, with settings that expose it to this computer only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from photoseek.errors import MissingExtra
from photoseek.page.access import NO_TOKEN_VARIABLE, Access
from photoseek.system.network import LOCAL_NAMES, allowed_hosts, check_port_free, warn_of_exposure

Settings: TypeAlias = dict[str, str | bool | int | list[str]]

GALLERY_VARIABLE = "PHOTOSEEK_GALLERY"
"""Environment variable that passes the gallery's folder to the page."""

SETTINGS: Settings = {
    "server.address": "127.0.0.1",  # Streamlit's default is every network interface
    "server.allowedHosts": list(LOCAL_NAMES),  # against DNS rebinding
    "server.maxUploadSize": 20,  # MB; uploads are in memory
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "global.disableWidgetStateDuplicationWarning": True,  # see photoseek.page.components.field_options
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": True,  # it contains the address without the token
    "theme.light.primaryColor": "#0f766e",
    "theme.dark.primaryColor": "#0c847a",
}
"""Streamlit options of the page, the same as in ``.streamlit/config.toml``."""

_SCRIPT = Path(__file__).parent / "entry" / "photoseek_page.py"
_SHUTDOWN_S = 10.0  # between SIGTERM and SIGKILL


def run_page(
    gallery: Path | None,
    *,
    address: str = "127.0.0.1",
    port: int = 8501,
    open_browser: bool = True,
    token: bool = True,
) -> int:
    """Serve the page until SIGTERM or SIGINT, and return Streamlit's exit code, or 0 after such a signal.

    The server prints its address with the token: the one of ``PHOTOSEEK_TOKEN``, or a random one.

    Args:
        gallery: Gallery to open. None: the one of ``PHOTOSEEK_GALLERY``, if set.
        address: Address to listen on. On any address except loopback, visitors search only this gallery.
        port: Port to listen on.
        open_browser: Whether to open a browser if there is a display.
        token: Whether visitors need the token. Without it, anyone who reaches the server can search and see the photos.

    Raises:
        MissingExtra: Streamlit is not installed.
        QueryError: The token of the environment is too short or has invalid characters.
        PhotoseekError: The server cannot listen on the address or port.
    """
    if find_spec("streamlit") is None:
        raise MissingExtra("the search page needs Streamlit; install it with: pip install 'photoseek[app]'")
    check_port_free(address, port)
    required = token and Access.from_environment() is not None
    warn_of_exposure(address, port, token=required)
    environment = dict(os.environ)
    if not token:
        environment[NO_TOKEN_VARIABLE] = "1"
    if gallery is not None:
        environment[GALLERY_VARIABLE] = os.path.abspath(gallery)
    return serve(command(address=address, port=port, open_browser=open_browser), environment)


def command(*, address: str = "127.0.0.1", port: int = 8501, open_browser: bool = True) -> list[str]:
    """Return the command line that serves the page."""
    settings: Settings = {
        **SETTINGS,
        "server.address": address,
        "server.port": port,
        "server.allowedHosts": allowed_hosts(address),
    }
    if not open_browser:
        settings["server.headless"] = True
    # -P: files in the working directory must not be imported as modules.
    return [sys.executable, "-P", "-m", "streamlit", "run", str(_SCRIPT), *_flags(settings)]


def _flags(settings: Settings) -> list[str]:
    return [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, given in settings.items()
        for value in (given if isinstance(given, list) else [given])
    ]


def serve(arguments: list[str], environment: dict[str, str]) -> int:
    """Run the server until it ends or this process receives SIGTERM or SIGINT, and return the exit code."""
    process = subprocess.Popen(arguments, env=environment)
    with _forward_sigterm(process) as terminated:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # a terminal sends it to the server as well
            _shut_down(process)
            code = 0
    return 0 if terminated.is_set() else code


def _shut_down(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_SHUTDOWN_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


@contextmanager
def _forward_sigterm(process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """Pass SIGTERM on to the server, so that it never outlives this process; the event is set after SIGTERM."""
    terminated = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield terminated
        return

    def terminate(*_: object) -> None:
        terminated.set()
        process.terminate()

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield terminated
    finally:
        signal.signal(signal.SIGTERM, before)
