"""Downloads of several photos that visitors have prepared, each under a random name."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence

_MOST = 64


class Downloads:
    """The latest downloads of a gallery; safe to share between threads."""

    def __init__(self) -> None:
        self._photos: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self, photos: Sequence[int]) -> str:
        """Store ids of photos, and return the name of the download; the oldest downloads are forgotten."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._photos[name] = tuple(photos)
            while len(self._photos) > _MOST:
                self._photos.popitem(last=False)
        return name

    def get(self, name: str) -> tuple[int, ...] | None:
        """Return the photos of a download, or None."""
        with self._lock:
            return self._photos.get(name)
