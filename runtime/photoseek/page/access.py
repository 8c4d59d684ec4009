"""Authorization of the page: a token, sent once, then a cookie that lasts until the browser is closed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

NO_TOKEN_VARIABLE = "PHOTOSEEK_NO_TOKEN"
"""Environment variable that disables the token if its value is ``1``."""

_TICKET_S = 120.0
_ESTABLISHED = "01"
_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class Access:
    """Token of a running page, the cookie derived from it, and tickets; safe to share between threads.

    A ticket is a single-use token that expires after two minutes and works from this account only. The address that
    starts a browser contains a ticket, because other accounts can read the command lines of processes.
    """

    def __init__(self, token: str) -> None:
        self.token = token
        self.cookie = hmac.digest(token.encode(), b"photoseek page cookie", hashlib.sha256).hex()
        self._tickets: dict[str, float] = {}

    @classmethod
    def from_environment(cls) -> Access | None:
        """Return access by ``PHOTOSEEK_TOKEN`` or by a random token, or None if the token is disabled.

        Raises:
            QueryError: The token of the environment is too short or has invalid characters.
        """
        from photoseek.system.access_token import read_token

        if os.environ.get(NO_TOKEN_VARIABLE) == "1":
            return None
        return cls(read_token(None) or secrets.token_urlsafe())

    def new_ticket(self) -> str:
        """Return a new ticket."""
        ticket = secrets.token_urlsafe()
        self._tickets[ticket] = time.monotonic() + _TICKET_S
        return ticket

    def accepts(self, given: str, client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> bool:
        """Return whether a text is the token, or a ticket over a connection of this account.

        Args:
            given: Text that a visitor sends.
            client: Address and port of the client, as in the ASGI scope.
            server: Address and port of the server.
        """
        if same(given, self.token):
            return True
        ticket = next((ticket for ticket in list(self._tickets) if same(given, ticket)), None)
        if ticket is None:
            return False
        until = self._tickets.pop(ticket, 0.0)  # even if it is refused, because another account has seen it
        return time.monotonic() < until and is_from_this_account(client, server)

    def accepts_cookie(self, given: str) -> bool:
        """Return whether a cookie was set by this page."""
        return same(given, self.cookie)


def same(given: str, expected: str) -> bool:
    """Return whether a text equals a secret, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def is_from_this_account(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> bool:
    """Return whether a process of this account on this machine opened a connection.

    Linux lists the account of every connection. On other systems, the result is always true.
    """
    if not _SOCKETS[0].exists():
        return True
    if client is None or server is None:
        return False
    owners = {owner for file in _SOCKETS if file.exists() for owner in _owners(file, client[1], server[1])}
    return owners == {os.getuid()}


def _owners(file: Path, local: int, remote: int | None) -> list[int]:
    """Return the accounts with a connection from one port to another; columns as in proc(5)."""
    rows = [line.split() for line in file.read_text("ascii").splitlines()[1:]]
    return [int(row[7]) for row in rows if row[3] == _ESTABLISHED and (_port(row[1]), _port(row[2])) == (local, remote)]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
