"""A folder that looks like the mount point of another disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


def mount(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give a folder another device number than its parent."""
    lstat = Path.lstat

    def mounted(path: Path) -> Any:
        status = lstat(path)
        return os.stat_result([*status[:2], 12345, *status[3:]]) if path == folder else status

    monkeypatch.setattr(Path, "lstat", mounted)
