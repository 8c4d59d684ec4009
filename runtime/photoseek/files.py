"""Files that are either the old or the new one, never half of each."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import gzip

DRAFT = ".new-"
"""What the name of a folder begins with that holds a file which is not complete yet."""


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


MAX_TEXT_BYTES = 16_000_000
"""Of a JSON or text file that comes from others, such as a configuration or a vocabulary."""

MAX_TOKENIZER_BYTES = 100_000_000
"""Of a tokenizer's file that comes from others; the largest known ones have some 35 MB."""


def read_bounded(path: Path, most: int = MAX_TEXT_BYTES) -> bytes:
    """Read a file that comes from others.

    Raises:
        ValueError: It has more than ``most`` bytes.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return bounded(file, most)


def bounded(file: BinaryIO | gzip.GzipFile, most: int = MAX_TEXT_BYTES) -> bytes:
    """Read an open file, compressed or not, to its end.

    Raises:
        ValueError: There are more than ``most`` bytes.
    """
    data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"expected at most {most:,} bytes, found more")
    return data


def replace_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: complete and synced before it takes the place of what was there."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, with a final newline, in place of what was there."""
    replace_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def sync_file(path: Path) -> None:
    """Have the system write a file's content to its disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_folder = sync_file  # a folder's entries are synced through its own descriptor, the same way


def make_folder(path: Path, inside: Path) -> None:
    """Make a folder and those on the way to it from ``inside``, which is there; their names are synced."""
    missing = [folder for folder in (path, *path.parents) if folder.is_relative_to(inside) and not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, as far as that may be done."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
