"""The cache folder of the user."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return photoseek's folder in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "photoseek"
