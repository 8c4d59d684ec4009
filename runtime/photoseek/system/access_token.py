"""The access token of a server, from a file or the environment."""

from __future__ import annotations

import os
from pathlib import Path

from photoseek.errors import QueryError

TOKEN_VARIABLE = "PHOTOSEEK_TOKEN"
"""Environment variable with the token, if no file is named."""

_MIN_LENGTH = 16  # characters


def read_token(file: Path | None) -> str | None:
    """Return the token of a file, or of the environment; None if neither is given.

    Raises:
        QueryError: It is too short to be secure, or not one line of ASCII characters without spaces.
        OSError: The file cannot be read.
    """
    given = os.environ.get(TOKEN_VARIABLE) if file is None else file.read_text("utf-8", "replace")
    if given is None:
        return None
    token = given.strip()
    if len(token) < _MIN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
        raise QueryError(
            f"{file or TOKEN_VARIABLE}: expected a token of at least {_MIN_LENGTH} letters and digits, found "
            f"{len(token)} characters; generate one with: openssl rand -hex 32"
        )
    return token
