"""Files that are either the old or the new one, never half of each."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import gzip

from photoseek.system.folder_tag import mode_inside, open_file
from photoseek.system.removal import remove_file


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_BLOCK = 1 << 20

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
    data = bytearray()
    while block := file.read(_BLOCK):  # a read of ``most`` bytes would allocate all of them first
        data += block
        if len(data) > most:
            raise ValueError(f"expected at most {most:,} bytes, found more")
    return bytes(data)


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: complete and synced before it takes the place of what was there.

    The file is never more readable than the folder that it is in.
    """
    partial = path.with_name(f"{path.name}.{secrets.randbelow(10**12)}.partial")
    with create_file(partial) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            remove_file(partial)
            raise
    fsync_dir(path.parent)


def write_json_atomic(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, with a final newline, in place of what was there."""
    write_bytes_atomic(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def fsync_file(path: Path) -> None:
    """Have the system write a file's content to its disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


fsync_dir = fsync_file  # a folder's entries are synced through its own descriptor, the same way


def create_file(path: Path) -> BinaryIO:
    """Create a file that is never more readable than the folder that it is in, and open it for writing.

    Raises:
        OSError: It exists, or cannot be created.
    """
    mode = mode_inside(path.parent) & 0o666
    return os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def limit_mode(path: Path) -> None:
    """Take from a file the permissions that the folder that it is in does not grant."""
    mode = path.stat().st_mode & 0o777
    if mode != (limited := mode & mode_inside(path.parent)):
        path.chmod(limited)


def mkdir_durable(path: Path) -> None:
    """Create a folder that is never more readable than the one that it is in, unless it exists; its name is synced."""
    if not path.exists():
        path.mkdir(mode=mode_inside(path.parent), exist_ok=True)
        fsync_dir(path.parent)


def make_private_folder(path: Path) -> None:
    """Create a folder that only its owner may enter, or take the permissions of others from one that exists.

    Raises:
        OSError: It cannot be created, or its permissions cannot be changed.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
