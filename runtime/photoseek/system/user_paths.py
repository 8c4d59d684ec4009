"""Paths that users type: any text is accepted, and messages print it on one short line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from photoseek.system.terminal import visible

_MAX_LENGTH = 200  # characters of a path in a message


def expanded(path: str | Path) -> Path:
    """Return a path with a leading ``~`` expanded as in a shell: that of an unknown user is unchanged."""
    try:
        return Path(os.path.expanduser(path))
    except ValueError:  # not a valid user name
        return Path(path)


def absolute(path: str | Path) -> Path:
    """Return an expanded absolute path; links are not resolved."""
    return Path(os.path.abspath(expanded(path)))


def printable(path: str | Path) -> str:
    """Return a path for a message: on one line, without unsafe characters, shortened in the middle if it is long."""
    text = visible(str(path))
    half = _MAX_LENGTH // 2
    return text if len(text) <= _MAX_LENGTH else f"{text[:half]} ... {text[-half:]} ({len(text):,} characters)"


def why_no_folder(path: Path) -> str | None:
    """Return why a path is not a readable folder; None if it is one."""
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            return "expected a folder, found a file"
        if not os.access(path, os.R_OK | os.X_OK):
            return "expected a readable folder, found one without permission"
    except FileNotFoundError:
        return "no such folder"
    except OSError as error:
        return error.strerror or str(error)
    except ValueError:  # NUL, or not a valid file name
        return "expected the name of a folder, found characters that names cannot contain"
    return None
