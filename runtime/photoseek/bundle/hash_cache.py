"""SHA-256 of large files, remembered by size, times and inode: a gigabyte takes most of a second at every start.

They are kept in ``$XDG_CACHE_HOME/photoseek/hashes.json`` (``~/.cache``). A file that was written so shortly before
that a further change could bear the same time is hashed, but not remembered.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from photoseek.system.atomic_write import file_sha256, make_private_folder, write_json_atomic

_CLOCK_S = 2.0  # the coarsest clock of a file system (FAT)
_KEPT = 1_000
"""Files that are remembered; the latest ones."""


@dataclass(frozen=True)
class FileStat:
    """What changes whenever a file's content does; ``changed_ns`` also where its time was set back."""

    bytes: int
    mtime_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileStat:
        """Look at a file.

        Raises:
            OSError: It cannot be looked at.
        """
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def cached_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content; of one that is remembered and has not changed, without reading it.

    Raises:
        OSError: It cannot be read.
    """
    cache, key = _cache_file(), str(path.resolve())
    stamp = FileStat.of(path)
    found = _remembered(cache).get(key)
    if isinstance(found, list) and found[:-1] == list(astuple(stamp)) and isinstance(found[-1], str):
        return found[-1]
    sha256 = file_sha256(path)
    if FileStat.of(path) == stamp and time.time() - max(stamp.mtime_ns, stamp.changed_ns) / 1e9 > _CLOCK_S:
        _remember(cache, key, [*astuple(stamp), sha256])
    return sha256


def _remembered(cache: Path) -> dict[str, object]:
    try:
        values = json.loads(cache.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):  # none yet, or damaged: all is hashed again
        return {}
    return values if isinstance(values, dict) else {}


def _remember(cache: Path, key: str, value: list[object]) -> None:
    """A cache that cannot be written costs time at the next start, and nothing else."""
    values = {name: kept for name, kept in _remembered(cache).items() if name != key}
    kept = dict(list(values.items())[1 - _KEPT :])
    try:
        make_private_folder(cache.parent)
        write_json_atomic(cache, {**kept, key: value})
    except OSError:
        pass


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "photoseek", "hashes.json")
