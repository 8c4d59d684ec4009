"""Recently opened galleries, in the user's cache folder, and the keys that stand for them in the page's URL."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

from photoseek.gallery.location import find_gallery, known_folder
from photoseek.page.exposure import operators_gallery
from photoseek.system.atomic_write import make_private_folder, write_json_atomic
from photoseek.system.cache_dir import cache_folder
from photoseek.system.filenames import decode_filename
from photoseek.system.user_paths import absolute

_log = logging.getLogger(__name__)

_MAX_RECENT = 12
_VERSION = 1

_opened: dict[str, str] = {}  # folders of galleries that this server has opened, by key


def known_path(folder: str) -> str:
    """Return the absolute path under which a person knows a gallery: that of its photos, if it is inside them."""
    return str(known_folder(absolute(folder))) if folder else ""


def first_gallery() -> str:
    """Return the folder of the gallery that the page was started with, as its field shows it."""
    return decode_filename(known_path(operators_gallery()))


def recent_galleries() -> list[str]:
    """Return the folders of recently opened galleries that still exist, the latest first."""
    existing = (Path(folder) for folder in _read_recent() if find_gallery(Path(folder)) is not None)
    return list(dict.fromkeys(str(known_folder(folder)) for folder in existing))


def remember(folder: str) -> None:
    """Add an opened gallery to the recent ones, unless the cache folder is read-only."""
    folder = known_path(folder)
    _opened[gallery_key(folder)] = folder
    before = _read_recent()
    if before[:1] == [folder]:
        return
    folders = [folder, *(other for other in before if other != folder)][:_MAX_RECENT]
    try:
        make_private_folder(_file().parent)
        write_json_atomic(_file(), {"format": _VERSION, "galleries": folders})
    except (OSError, UnicodeEncodeError) as error:
        _log.info("cannot store recent galleries: %s", error)


def gallery_key(folder: str) -> str:
    """Return the key of a gallery's folder: 16 hexadecimal digits, so that the URL contains no path."""
    return hashlib.sha256(os.fsencode(known_path(folder))).hexdigest()[:16]


def find_by_key(key: str) -> str | None:
    """Return the folder of a gallery that this server has opened, or that is a recent one; None for any other key."""
    return _opened.get(key) or next((folder for folder in recent_galleries() if gallery_key(folder) == key), None)


def _file() -> Path:
    return cache_folder() / "recent.json"


def _read_recent() -> list[str]:
    try:
        folders = json.loads(_file().read_text("utf-8"))["galleries"]
    except (OSError, ValueError, KeyError, TypeError):  # no file yet, or not in this format
        return []
    return [folder for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []
