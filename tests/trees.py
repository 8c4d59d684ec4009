"""Snapshots of a folder, to compare its state before and after."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

Tree = dict[str, tuple[int, str]]
"""Mode and content of each file, folder and link, by path."""


def tree(folder: Path) -> Tree:
    """Return the state of a folder without following links."""
    return {path.relative_to(folder).as_posix(): _state(path) for path in (folder, *folder.rglob("*"))}


def _state(path: Path) -> tuple[int, str]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return mode, str(path.readlink())
    return mode, hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else ""
