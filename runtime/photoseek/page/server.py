"""The page as an ASGI application: the gate before it, and the addresses that are printed and opened.

``streamlit run`` finds the application by reading the script, so each script builds it itself from these parts.
"""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from starlette.middleware import Middleware

from photoseek.page.access import Access
from photoseek.page.gate import PARAMETER, Gate
from photoseek.system.terminal import print_line

SCRIPT = Path(__file__).with_name("script.py")
"""What Streamlit runs on every interaction."""

_ANYWHERE = ("", "0.0.0.0", "::")

_access: Access | None = None
_built = False

logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its start and stop


def middleware() -> list[Middleware]:
    """Return the middleware of the page: the gate, unless the token is turned off.

    Raises:
        QueryError: The token of the environment is too short, or has other characters.
    """
    global _access, _built
    _access, _built = Access.from_environment(), True
    return [] if _access is None else [Middleware(Gate, _access)]


def is_built() -> bool:
    """Return whether this process serves the page as built here, and not the bare script without a gate."""
    return _built


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Print the addresses of the page once it listens, and open a browser unless the server is headless."""
    address, port = str(st.get_option("server.address") or ""), int(st.get_option("server.port"))
    secret = {} if _access is None else {PARAMETER: _access.token}
    for line in ("The search page is at:", *(f"  {url(host, port, secret)}" for host in hosts(address))):
        print_line(line)
    if not st.get_option("server.headless"):
        ticket = {} if _access is None else {PARAMETER: _access.new_ticket()}
        open_browser(url(hosts(address)[0], port, ticket))
    yield


def hosts(address: str) -> list[str]:
    """Return the names under which a browser reaches a server that listens at an address, the nearest first."""
    return ["127.0.0.1", socket.gethostname()] if address in _ANYWHERE else [address]


def url(host: str, port: int, query: dict[str, Any]) -> str:
    """Return the address of the page."""
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    prefix = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{scheme}://{name}:{port}/{prefix}{'/' if prefix else ''}{'?' if query else ''}{urlencode(query)}"


def open_browser(address: str) -> None:
    """Open an address in the browser of this desktop, without what the browser prints."""
    opener = shutil.which("xdg-open") if sys.platform != "darwin" else None
    if opener is None:
        webbrowser.open(address)
    else:
        nothing = subprocess.DEVNULL
        subprocess.Popen([opener, address], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
