"""Addresses that a server listens on, and the host names that it accepts."""

from __future__ import annotations

import logging
import socket
from ipaddress import ip_address

from photoseek.errors import PhotoseekError

_log = logging.getLogger(__name__)

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
"""Names of the local computer."""


def allowed_hosts(address: str) -> list[str]:
    """Return the host names that requests may have; any (``*``) if the server listens on all interfaces.

    Other names are refused against DNS rebinding: a web page could reach the server by a name of its own domain.
    """
    if address in ("", "0.0.0.0", "::"):
        return ["*"]
    return [*LOCAL_NAMES, *({address} - set(LOCAL_NAMES))]


def is_loopback(address: str) -> bool:
    """Return whether only this computer can reach an address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def check_port_free(address: str, port: int) -> None:
    """Raise unless a server can listen; servers themselves report this late and with a traceback.

    Raises:
        PhotoseekError: Nothing can listen at this address and port.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((place[0], port, *place[2:]))  # getaddrinfo cuts a port to 16 bits
            probe.listen(1)
    except (OSError, OverflowError, UnicodeError) as error:  # UnicodeError: not a valid host name
        reason = getattr(error, "strerror", None) or str(error)
        raise PhotoseekError(f"cannot listen at {address} port {port}: {reason}; choose another with --port") from error


def warn_of_exposure(address: str, port: int, *, token: bool) -> None:
    """Log a warning if other computers can reach a server; ``token``: whether the server requires one."""
    if is_loopback(address):
        return
    if token:
        _log.warning("the token and the photos are sent unencrypted; put a reverse proxy with TLS in front")
    else:
        message = "no token is required: anyone who reaches %s port %d can see the photos; set PHOTOSEEK_TOKEN"
        _log.warning(message, address, port)
