"""Starts the page: Streamlit in a process of its own, with settings that are safe on a private computer."""

from __future__ import annotations

import logging
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
from photoseek.system.network import LOCAL_NAMES, allowed_hosts, check_port_free, is_loopback

_log = logging.getLogger(__name__)

Settings: TypeAlias = dict[str, str | bool | int | list[str]]

GALLERY_VARIABLE = "PHOTOSEEK_GALLERY"
"""The environment variable that hands the gallery's folder to the page."""

SETTINGS: Settings = {
    "server.address": "127.0.0.1",  # Streamlit's own default is every network interface
    "server.allowedHosts": list(LOCAL_NAMES),  # against DNS rebinding
    "server.maxUploadSize": 20,  # MB; uploads are kept in memory
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": True,  # it has the address without the token
    "theme.light.primaryColor": "#0f766e",
    "theme.dark.primaryColor": "#0c847a",
}
"""Streamlit's options as the page needs them; ``.streamlit/config.toml`` says the same to a bare ``streamlit run``."""

_SCRIPT = Path(__file__).parent / "entry" / "photoseek_page.py"
_GRACE_S = 10.0  # between asking the server to end and making it


def run_page(
    gallery: Path | None,
    *,
    address: str = "127.0.0.1",
    port: int = 8501,
    open_browser: bool = True,
    token: bool = True,
) -> int:
    """Serve the page until it is interrupted; return Streamlit's exit code, 0 where it was asked to end.

    The server prints its address with the token: that of ``PHOTOSEEK_TOKEN``, else a random one.

    Args:
        gallery: What the page searches first. None: what ``PHOTOSEEK_GALLERY`` says, if anything.
        address: Where the server listens. Beyond loopback, visitors search this gallery and cannot open others.
        port: As for ``address``.
        open_browser: Whether a browser is opened, where there is a display.
        token: Whether visitors need the token. False: whoever reaches the server can search and see the photos.

    Raises:
        MissingExtra: Streamlit is not installed.
        QueryError: The token of the environment is too short, or has other characters.
        PhotoseekError: Nothing can listen at this address and port.
    """
    if find_spec("streamlit") is None:
        raise MissingExtra("the search page needs Streamlit; install it with: pip install 'photoseek[app]'")
    check_port_free(address, port)
    _warn(address, port, Access.from_environment() if token else None)
    environment = dict(os.environ)
    if not token:
        environment[NO_TOKEN_VARIABLE] = "1"
    if gallery is not None:
        environment[GALLERY_VARIABLE] = os.path.abspath(gallery)
    return _serve(command(address=address, port=port, open_browser=open_browser), environment)


def command(*, address: str = "127.0.0.1", port: int = 8501, open_browser: bool = True) -> list[str]:
    """The command line that serves the page."""
    settings: Settings = {
        **SETTINGS,
        "server.address": address,
        "server.port": port,
        "server.allowedHosts": allowed_hosts(address),
    }
    if not open_browser:
        settings["server.headless"] = True
    # -P: a file in the working folder must not pass for a module.
    return [sys.executable, "-P", "-m", "streamlit", "run", str(_SCRIPT), *_flags(settings)]


def _warn(address: str, port: int, access: Access | None) -> None:
    """Warn of what others on the network can do."""
    if is_loopback(address):
        return
    if access is None:
        _log.warning("no token is asked for: whoever reaches %s port %d can search and see the photos", address, port)
    else:
        _log.warning("the token and the photos pass the network unencrypted; put a server with TLS before this one")


def _flags(settings: Settings) -> list[str]:
    return [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, given in settings.items()
        for value in (given if isinstance(given, list) else [given])
    ]


def _serve(arguments: list[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(arguments, env=environment)
    with _shutting_down(process) as asked:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # from a terminal the server has got it too
            asked.set()
            _shutdown(process)
            code = 0
    return 0 if asked.is_set() else code


def _shutdown(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


@contextmanager
def _shutting_down(process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """Pass SIGTERM on to the server, so that it never outlives this process; tells whether it came."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield asked
        return

    def terminate(*_: object) -> None:
        asked.set()
        process.terminate()

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
