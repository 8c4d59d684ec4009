"""Paths as people type them: any text is accepted, and a message shows it on one short line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from photoseek.system.terminal import visible

_SHOWN = 200  # characters of a path in a message


def expanded(path: str | Path) -> Path:
    """Return a path with a leading ``~`` replaced, as a shell does it: that of an unknown user stays as it is."""
    try:
        return Path(os.path.expanduser(path))
    except ValueError:  # characters that no user's name can have
        return Path(path)


def absolute(path: str | Path) -> Path:
    """Return an expanded path from the root; links stay links."""
    return Path(os.path.abspath(expanded(path)))


def shown(path: str | Path) -> str:
    """Return a path for a message: on one line, any text, cut in the middle where it is long."""
    text = visible(str(path))
    half = _SHOWN // 2
    return text if len(text) <= _SHOWN else f"{text[:half]} ... {text[-half:]} ({len(text):,} characters)"


def why_no_folder(path: Path) -> str | None:
    """Return why a path is not a folder that can be read; None where it is one."""
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            return "expected a folder, found a file"
        if not os.access(path, os.R_OK | os.X_OK):
            return "expected a folder that you may read, found one without that permission"
    except FileNotFoundError:
        return "no such folder"
    except OSError as error:
        return error.strerror or str(error)
    except ValueError:  # NUL, or text that no file name can have
        return "expected the name of a folder, found characters that no name can have"
    return None
