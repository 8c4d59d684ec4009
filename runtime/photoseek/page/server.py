"""The page as an ASGI application: its gate, and the URLs that are printed and opened.

``streamlit run`` finds the application by parsing the script, so each script builds it from these functions.
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
from photoseek.page.photo_route import PhotoRoute
from photoseek.system.network import interface_addresses
from photoseek.system.terminal import print_line

SCRIPT = Path(__file__).with_name("script.py")
"""Script that Streamlit runs on every interaction."""

_ALL_INTERFACES = ("", "0.0.0.0", "::")

_access: Access | None = None
_gated = False

logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # hides its messages about start and stop


def middleware() -> list[Middleware]:
    """Return the middleware of the page: the gate, unless the token is disabled, and the photos behind it.

    Raises:
        QueryError: The token of the environment is too short or has invalid characters.
    """
    global _access, _gated
    _access, _gated = Access.from_environment(), True
    photos = Middleware(PhotoRoute)  # not a route of Streamlit, which would compress the photos
    return [photos] if _access is None else [Middleware(Gate, _access), photos]


def is_gated() -> bool:
    """Return whether this process serves the page with the middleware, and not the bare script."""
    return _gated


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Print the URLs of the page when it listens, and open a browser unless the server is headless."""
    address, port = str(st.get_option("server.address") or ""), int(st.get_option("server.port"))
    secret = {} if _access is None else {PARAMETER: _access.token}
    for line in ("The search page is at:", *(f"  {url(host, port, secret)}" for host in hosts(address))):
        print_line(line)
    if not st.get_option("server.headless"):
        ticket = {} if _access is None else {PARAMETER: _access.new_ticket()}
        open_browser(url(hosts(address)[0], port, ticket))
    yield


def hosts(address: str) -> list[str]:
    """Return the hosts by which a browser reaches a server that listens on an address, this computer's own first."""
    if address not in _ALL_INTERFACES:
        return [address]
    return ["127.0.0.1", *interface_addresses(), socket.gethostname()]


def url(host: str, port: int, query: dict[str, Any]) -> str:
    """Return the URL of the page."""
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    prefix = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{scheme}://{name}:{port}/{prefix}{'/' if prefix else ''}{'?' if query else ''}{urlencode(query)}"


def open_browser(address: str) -> None:
    """Open a URL in the default browser, and discard the browser's output."""
    opener = shutil.which("xdg-open") if sys.platform != "darwin" else None
    if opener is None:
        webbrowser.open(address)
    else:
        null = subprocess.DEVNULL
        subprocess.Popen([opener, address], stdin=null, stdout=null, stderr=null, start_new_session=True)
