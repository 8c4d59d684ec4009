"""Atomic and durable writes: after a crash, a file has either its old or its new content."""

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
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_BLOCK = 1 << 20

MAX_TEXT_BYTES = 16_000_000
"""Size limit of a JSON or text file of other programs, such as a configuration or a vocabulary."""

MAX_TOKENIZER_BYTES = 100_000_000
"""Size limit of a tokenizer file of other programs; the largest known ones have about 35 MB."""


def read_bounded(path: Path, most: int = MAX_TEXT_BYTES) -> bytes:
    """Read a file of another program.

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
    while block := file.read(_BLOCK):  # one read of ``most`` bytes would allocate that many first
        data += block
        if len(data) > most:
            raise ValueError(f"expected at most {most:,} bytes, found more")
    return bytes(data)


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write and sync a new file, then replace ``path`` with it.

    The file is never more readable than its folder.
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
    """Replace ``path`` with ``value`` as indented JSON."""
    write_bytes_atomic(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def fsync_file(path: Path) -> None:
    """Sync a file to its disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


fsync_dir = fsync_file  # the entries of a folder are synced in the same way


def create_file(path: Path) -> BinaryIO:
    """Create a file that is never more readable than its folder, and open it for writing.

    Raises:
        OSError: It exists, or cannot be created.
    """
    mode = mode_inside(path.parent) & 0o666
    return os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def limit_mode(path: Path) -> None:
    """Remove the permissions of a file that its folder does not grant."""
    mode = path.stat().st_mode & 0o777
    if mode != (limited := mode & mode_inside(path.parent)):
        path.chmod(limited)


def mkdir_durable(path: Path) -> None:
    """Create a folder that is never more readable than its parent, unless it exists, and sync its name."""
    if not path.exists():
        path.mkdir(mode=mode_inside(path.parent), exist_ok=True)
        fsync_dir(path.parent)


def make_private_folder(path: Path) -> None:
    """Create a folder that only its owner may enter, or restrict an existing one to its owner.

    Raises:
        OSError: It cannot be created, or its permissions cannot be changed.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
