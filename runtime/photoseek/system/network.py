"""Addresses that a server listens on, and the host names that it accepts."""

from __future__ import annotations

import logging
import socket
import struct
import sys
from collections.abc import Iterator
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


def interface_addresses() -> list[str]:
    """Return the IPv4 addresses by which other computers reach this one, that of the default route first.

    Nothing is sent and no name server is asked.
    """
    found = dict.fromkeys([*_route_address(), *_addresses_of_interfaces()])
    return [address for address in found if not (ip_address(address).is_loopback or ip_address(address).is_link_local)]


def _route_address() -> Iterator[str]:
    """Yield the address of the interface that packets to other networks would leave by, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # only chooses the interface; RFC 5737 reserves this address for examples
        except OSError:
            return
        yield str(probe.getsockname()[0])


def _addresses_of_interfaces() -> Iterator[str]:
    """Yield the address of each interface; only Linux has this request (netdevice(7): SIOCGIFADDR)."""
    if sys.platform != "linux":
        return
    from fcntl import ioctl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                answer = ioctl(probe.fileno(), 0x8915, struct.pack("256s", name.encode()))
            except OSError:  # an interface without an address
                continue
            yield socket.inet_ntoa(answer[20:24])


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
