"""A cache of the SHA-256 of large files by size, times and inode: hashing a gigabyte takes most of a second.

The cache is ``$XDG_CACHE_HOME/photoseek/hashes.json`` (``~/.cache``). The hash of a file that was modified so recently
that another change could have the same time is not cached.
"""

from __future__ import annotations

import json
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from photoseek.system.atomic_write import file_sha256, make_private_folder, write_json_atomic
from photoseek.system.cache_dir import cache_folder

CLOCK_S = 2.0
"""The coarsest clock of a file system (FAT)."""

MIN_BYTES = 1 << 24
"""Smaller files are read each time, which takes some hundredths of a second, and are not in the cache."""

MAX_ENTRIES = 1_000
"""The most recently hashed files stay in the cache."""


@dataclass(frozen=True)
class FileStat:
    """Facts that change with a file's content; ``ctime_ns`` changes even if a program resets ``mtime_ns``."""

    bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileStat:
        """Return the facts of a file.

        Raises:
            OSError: It cannot be accessed.
        """
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def cached_sha256(path: Path, *, reread: bool = False, clock_s: float = CLOCK_S) -> str:
    """Return the hexadecimal SHA-256 of a file; a large one that has not changed since it was hashed is not read.

    Args:
        path: The file.
        reread: Read it in any case. Only this detects a disk that returns other data than was written.
        clock_s: Seconds after its last change from when on the hash is cached.

    Raises:
        OSError: It cannot be read.
    """
    before = FileStat.of(path)
    if before.bytes < MIN_BYTES:
        return file_sha256(path)
    cache, key = cache_folder() / "hashes.json", str(path.resolve())
    entry = _read(cache).get(key)
    if not reread and isinstance(entry, list) and entry[:-1] == list(astuple(before)) and isinstance(entry[-1], str):
        return entry[-1]
    sha256 = file_sha256(path)
    if FileStat.of(path) == before and time.time() - max(before.mtime_ns, before.ctime_ns) / 1e9 > clock_s:
        _write(cache, key, [*astuple(before), sha256])
    elif entry is not None:
        _write(cache, key, None)
    return sha256


def _write(cache: Path, key: str, entry: list[object] | None) -> None:
    """Replace an entry, or remove it; a cache that cannot be written only makes the next start slower."""
    others = [(name, value) for name, value in _read(cache).items() if name != key]
    try:
        make_private_folder(cache.parent)
        write_json_atomic(cache, {**dict(others[1 - MAX_ENTRIES :]), **({key: entry} if entry else {})})
    except OSError:
        pass


def _read(cache: Path) -> dict[str, object]:
    try:
        values = json.loads(cache.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):  # missing or damaged: files are hashed again
        return {}
    return values if isinstance(values, dict) else {}
