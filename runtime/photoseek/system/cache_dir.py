"""The folders of the user for caches, models and state."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return photoseek's folder in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "photoseek"


def models_folder() -> Path:
    """Return the folder of installed models, which may not exist."""
    if chosen := os.environ.get("PHOTOSEEK_MODELS"):
        return Path(os.path.abspath(os.path.expanduser(chosen)))
    base = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "share") / "photoseek" / "models"


def state_folder() -> Path:
    """Return photoseek's folder in the user's state folder."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "photoseek"
