"""The key by which the requests and connections of one client are counted."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

_SUBSCRIBER = 64  # bits of an IPv6 address that name a network; its owner chooses the rest at will


@lru_cache(maxsize=4096)
def client_key(host: str) -> str:
    """Return the key of a client's address: an IPv4 address, or the /64 network of an IPv6 address.

    Args:
        host: The address, as the ASGI scope or a socket reports it. Any other text is its own key.
    """
    try:
        address = ip_address(host.partition("%")[0])  # a link-local address ends in its zone
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _SUBSCRIBER), strict=False))
