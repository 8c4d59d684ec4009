"""Paths that users type: any text is accepted, and messages print it on one short line."""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path

from photoseek.system.terminal import visible

_MAX_LENGTH = 200  # characters of a path in a message


def expanded(path: str | Path) -> Path:
    """Return a path with a leading ``~`` expanded as in a shell, and names as the disk has them, see ``on_disk``.

    The ``~`` of an unknown user is unchanged.
    """
    try:
        return Path(on_disk(os.path.expanduser(path)))
    except ValueError:  # not a valid user name
        return Path(path)


def on_disk(path: str | Path) -> str:
    """Return a path with each name that does not exist replaced by one that differs only in its Unicode form.

    Keyboards compose letters and accents (NFC), and some disks have names that are decomposed (NFD).
    """
    text = os.fspath(path)
    if text.isascii() or os.path.lexists(text):
        return text
    found = ""
    for part in text.split("/"):
        place = f"{found}{part}"
        if not part.isascii() and not os.path.lexists(place):
            place = f"{found}{_same_name(found or '.', part) or part}"
        found = f"{place}/"
    return found[:-1]


def _same_name(folder: str, name: str) -> str | None:
    """Return the name in a folder that differs only in its Unicode form; None if there is none."""
    wanted = unicodedata.normalize("NFC", name)
    try:
        return min((each for each in os.listdir(folder) if unicodedata.normalize("NFC", each) == wanted), default=None)
    except (OSError, ValueError):
        return None


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
