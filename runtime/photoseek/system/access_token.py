"""The access token of a server, from a file or from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from photoseek.errors import QueryError

TOKEN_VARIABLE = "PHOTOSEEK_TOKEN"
"""The environment variable that holds the token where no file is named."""

_SHORTEST = 16  # characters of a token


def read_token(file: Path | None) -> str | None:
    """The token of a file, or of the environment; None where neither is given.

    Raises:
        QueryError: It is too short to keep anyone out, or no line of plain characters.
        OSError: The file cannot be read.
    """
    given = os.environ.get(TOKEN_VARIABLE) if file is None else file.read_text("utf-8", "replace")
    if given is None:
        return None
    token = given.strip()
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise QueryError(
            f"{file or TOKEN_VARIABLE}: expected a token of at least {_SHORTEST} letters and digits, found "
            f"{len(token)} characters; make one with: openssl rand -hex 32"
        )
    return token
