"""Who may open the page: whoever shows the token, once; a cookie then stands for it until the browser is closed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

NO_TOKEN_VARIABLE = "PHOTOSEEK_NO_TOKEN"
"""The environment variable that turns the token off, with the value ``1``."""

_TICKET_S = 120.0
_ESTABLISHED = "01"
_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class Access:
    """The token of a running page, the cookie derived from it, and tickets; safe to share between threads.

    A ticket is a token for one use within two minutes. It is in the address that a browser is started with, because
    other accounts of the machine can read the command lines of processes; it is accepted from this account only.
    """

    def __init__(self, token: str) -> None:
        self.token = token
        self.cookie = hmac.digest(token.encode(), b"photoseek page cookie", hashlib.sha256).hex()
        self._tickets: dict[str, float] = {}

    @classmethod
    def from_environment(cls) -> Access | None:
        """Return access by ``PHOTOSEEK_TOKEN``, else by a random token; None where the token is turned off.

        Raises:
            QueryError: The token of the environment is too short, or has other characters.
        """
        from photoseek.system.access_token import read_token

        if os.environ.get(NO_TOKEN_VARIABLE) == "1":
            return None
        return cls(read_token(None) or secrets.token_urlsafe())

    def new_ticket(self) -> str:
        """Return a ticket."""
        ticket = secrets.token_urlsafe()
        self._tickets[ticket] = time.monotonic() + _TICKET_S
        return ticket

    def accepts(self, given: str, client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> bool:
        """Return whether a text is the token, or a ticket that arrives over a connection of this account.

        Args:
            given: What a visitor shows.
            client: Address and port that the connection comes from, as ASGI has it.
            server: Address and port that it arrived at.
        """
        if same(given, self.token):
            return True
        ticket = next((ticket for ticket in list(self._tickets) if same(given, ticket)), None)
        if ticket is None:
            return False
        until = self._tickets.pop(ticket, 0.0)  # also when it is refused: it has been seen by another account
        return time.monotonic() < until and is_from_this_account(client, server)

    def accepts_cookie(self, given: str) -> bool:
        """Return whether a cookie was set by this page."""
        return same(given, self.cookie)


def same(given: str, expected: str) -> bool:
    """Compare any text with a secret in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def is_from_this_account(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> bool:
    """Return whether a connection was opened by a process of this account, on this machine.

    Linux lists every connection of the machine with the account that opened it. Other systems do not, and there any
    connection counts as one of this account.
    """
    if not _SOCKETS[0].exists():
        return True
    if client is None or server is None:
        return False
    owners = {owner for file in _SOCKETS if file.exists() for owner in _owners(file, client[1], server[1])}
    return owners == {os.getuid()}


def _owners(file: Path, local: int, remote: int | None) -> list[int]:
    """The accounts with a connection from one port to another; columns as in proc(5)."""
    rows = [line.split() for line in file.read_text("ascii").splitlines()[1:]]
    return [int(row[7]) for row in rows if row[3] == _ESTABLISHED and (_port(row[1]), _port(row[2])) == (local, remote)]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
