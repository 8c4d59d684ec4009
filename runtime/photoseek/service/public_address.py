"""Names, origins and the prefix under which clients reach the service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from photoseek.errors import QueryError

_ORIGIN = re.compile(r"(?P<scheme>https?)://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class PublicAddress:
    """Under which addresses clients reach the service.

    Attributes:
        hosts: Accepted host names.
        origins: Origins whose web pages may use the service.
        root_path: Prefix under which a proxy serves it; the proxy removes it from the path.
    """

    hosts: tuple[str, ...]
    origins: tuple[str, ...] = ()
    root_path: str = ""

    @classmethod
    def of(cls, hosts: Sequence[str], origins: Sequence[str], root_path: str) -> PublicAddress:
        """Return the address of command-line options.

        Raises:
            QueryError: An origin or the prefix is invalid.
        """
        return cls(tuple(dict.fromkeys(hosts)), tuple(map(browser_origin, origins)), _prefix(root_path))


def browser_origin(text: str) -> str:
    """Return an origin as browsers send it: in lower case, and without the default port.

    Raises:
        QueryError: Browsers never send such an origin.
    """
    found = text.strip().rstrip("/").lower()
    match = _ORIGIN.fullmatch(found)
    if match is None:
        hint = "patterns are not supported; " if "*" in found else ""
        raise QueryError(
            "--cors: expected the origin of a web page, such as https://photos.example or http://localhost:3000, "
            f"found {text!r}; {hint}repeat --cors for each origin"
        )
    return found.removesuffix(_DEFAULT_PORTS[match["scheme"]])


def _prefix(text: str) -> str:
    found = text.strip().rstrip("/")
    if not _PREFIX.fullmatch(found):
        raise QueryError(f"--root-path: expected the start of a path, such as /photos, found {text!r}")
    return found
