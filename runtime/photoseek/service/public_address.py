"""Names, origins and the prefix under which clients reach the service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from photoseek.errors import QueryError

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
        return cls(tuple(dict.fromkeys(hosts)), tuple(map(_origin, origins)), _prefix(root_path))


def _origin(text: str) -> str:
    """Return an origin as browsers send it."""
    found = text.strip().rstrip("/").lower()
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or found != f"{parts.scheme}://{parts.netloc}":
        raise QueryError(
            "--cors: expected the origin of a web page, such as https://photos.example or http://localhost:3000, found "
            f"{text!r}; repeat --cors for each origin"
        )
    return found


def _prefix(text: str) -> str:
    found = text.strip().rstrip("/")
    if not _PREFIX.fullmatch(found):
        raise QueryError(f"--root-path: expected the start of a path, such as /photos, found {text!r}")
    return found
