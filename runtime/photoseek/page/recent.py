"""The galleries that were opened last, noted in the user's cache folder."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from photoseek.demo.gallery import cache_folder
from photoseek.files import make_private_folder, replace_json
from photoseek.gallery.gallery import gallery_at
from photoseek.paths import absolute

_log = logging.getLogger(__name__)

_NOTED = 12
_VERSION = 1


def recent_galleries() -> list[str]:
    """Folders that galleries were opened by, the last first; those that still exist."""
    return [folder for folder in _noted() if gallery_at(Path(folder)) is not None]


def remember(folder: str) -> None:
    """Note that a gallery has been opened; where that cannot be written, nothing is noted."""
    folder = str(absolute(folder))
    before = _noted()
    if before[:1] == [folder]:
        return
    folders = [folder, *(other for other in before if other != folder)][:_NOTED]
    try:
        make_private_folder(_file().parent)
        replace_json(_file(), {"format": _VERSION, "galleries": folders})
    except (OSError, UnicodeEncodeError) as error:
        _log.info("recent galleries are not noted: %s", error)


def _file() -> Path:
    return cache_folder() / "recent.json"


def _noted() -> list[str]:
    try:
        folders = json.loads(_file().read_text("utf-8"))["galleries"]
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or not ours
        return []
    return [folder for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []
