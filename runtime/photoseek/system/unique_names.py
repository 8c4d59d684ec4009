"""File names that every system accepts, and that are unique in one folder."""

from __future__ import annotations

import re
import unicodedata

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # never files on Windows
_MOST_BYTES = 200  # of a name; file systems accept 255


class UniqueNames:
    """Names of files that every system can unpack into one folder."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def add(self, name: str) -> str:
        """Return a safe name like this one that was not returned before, in upper or lower case."""
        safe = unicodedata.normalize("NFC", _UNSAFE.sub("_", name))
        stem, dot, ending = _DEVICE.sub(r"_\1", safe.strip(". ") or "photo").rpartition(".")
        stem, ending = (stem, dot + ending) if stem else (ending, "")
        stem = stem.encode()[: _MOST_BYTES - len(ending.encode()[:_MOST_BYTES])].decode("utf-8", "ignore")
        found, number = f"{stem}{ending}", 1
        while found.casefold() in self._taken:
            number += 1
            found = f"{stem} ({number}){ending}"
        self._taken.add(found.casefold())
        return found
