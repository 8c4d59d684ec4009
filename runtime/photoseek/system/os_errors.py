"""Errors of the operating system as messages that name the file, the reason and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from photoseek.system.cache_dir import cache_folder, models_folder, state_folder
from photoseek.system.user_paths import printable

_NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def describe_os_error(error: OSError) -> str:
    """Return the file, the reason, and the variable that names another folder if the file is photoseek's own."""
    reason = error.strerror or str(error)
    if not isinstance(error.filename, str | Path):
        return reason
    return f"{printable(error.filename)}: {reason}{_remedy(Path(error.filename))}"


def is_not_writable(error: OSError) -> bool:
    """Return whether a folder is read-only, or belongs to somebody else."""
    return error.errno in _NOT_WRITABLE


def _remedy(file: Path) -> str:
    for folder, variable in _places():
        if file.is_relative_to(folder) or folder.is_relative_to(file):
            return f"; set {variable} to a folder that you can write"
    return ""


def _places() -> Iterator[tuple[Path, str]]:
    """Yield photoseek's folders of the user, and the variables that move them."""
    for folder, variable in (
        (cache_folder, "XDG_CACHE_HOME"),
        (models_folder, "PHOTOSEEK_MODELS"),
        (state_folder, "XDG_STATE_HOME"),
    ):
        try:
            yield Path(os.path.abspath(folder())), variable
        except RuntimeError:  # no home
            continue
