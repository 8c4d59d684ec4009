"""``PHOTOSEEK.TAG``: the file that proves that photoseek created a folder, like ``CACHEDIR.TAG``.

It is written before any other file, so an incomplete folder of an interrupted run has one as well. A folder without a
valid tag is never emptied or removed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from photoseek.errors import GalleryDamaged

TAG = "PHOTOSEEK.TAG"
"""Name of the file."""

_CONTENT = (
    b"Signature: 5f2c0b64f1a94d0c9a3e7d8b1f6e2c47\n"
    b"# photoseek created this folder, and removes files of its own from it. Files of others are left alone.\n"
)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO does not block


@contextmanager
def open_folder(path: Path, *inner: str) -> Iterator[int]:
    """Open a folder, yield its descriptor, and close it.

    Args:
        path: The folder. It may be or contain a symbolic link, because a user chose it.
        inner: Folders inside, one within the other, none of them a symbolic link.

    Raises:
        OSError: One is missing, is not a folder, or is a symbolic link.
    """
    descriptor = os.open(path, _FOLDER)
    try:
        for name in inner:
            following = open_inside(descriptor, name)
            os.close(descriptor)
            descriptor = following
        yield descriptor
    finally:
        os.close(descriptor)


def open_inside(folder: int, name: str) -> int:
    """Open a folder inside an open folder, unless it is a symbolic link, and return its descriptor."""
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def open_file(path: Path | str, flags: int, mode: int = 0o666, folder: int | None = None) -> int:
    """Open a regular file and return its descriptor.

    Args:
        path: The file; relative to ``folder``, if that is given.
        flags: As those of ``os.open``.
        mode: Permissions of a file that is created, less the umask.
        folder: Descriptor of an open folder.

    Raises:
        OSError: The file cannot be opened, or is a symbolic link or another special file.
    """
    descriptor = os.open(path, flags | _FILE, mode, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"expected a regular file, found a special one: {path}")
    return descriptor


def mode_inside(folder: Path) -> int:
    """Return the permissions for new files in a folder, never wider than those of the folder."""
    return folder.stat().st_mode & 0o777


def make_tagged(path: Path) -> bool:
    """Create a folder with a tag, or tag one that is empty; return whether the folder is a tagged one now.

    Raises:
        OSError: The folder cannot be created or written, or is a symbolic link.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=mode_inside(path.parent))
    with open_folder(path.parent, path.name) as folder:
        if not is_tagged(folder) and not os.listdir(folder):
            with suppress(FileExistsError):  # created by another thread or process
                write_tag(folder)
        return is_tagged(folder)


def write_tag(folder: int) -> None:
    """Write the tag into an open folder, and sync both."""
    mode = os.fstat(folder).st_mode & 0o666
    descriptor = open_file(TAG, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, folder)
    try:
        os.write(descriptor, _CONTENT)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.fsync(folder)


def is_tagged(folder: int) -> bool:
    """Return whether an open folder has a tag; a tag truncated by a crash counts."""
    try:
        descriptor = open_file(TAG, os.O_RDONLY, folder=folder)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        return _CONTENT.startswith(file.read(len(_CONTENT) + 1))


def expect_folder(path: Path, hint: str) -> None:
    """Raise unless a path is a folder or missing.

    Raises:
        GalleryDamaged: It is a symbolic link or a file; ``hint`` says what to do.
    """
    _expect(path, stat.S_ISDIR, "a folder", hint)


def expect_file(path: Path, hint: str) -> None:
    """Raise unless a path is a regular file or missing.

    Raises:
        GalleryDamaged: It is a symbolic link or anything else; ``hint`` says what to do.
    """
    _expect(path, stat.S_ISREG, "a regular file", hint)


def _expect(path: Path, matches: Callable[[int], bool], what: str, hint: str) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:  # opening it raises the error
        return
    if not matches(mode):
        kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
        found = kinds.get(stat.S_IFMT(mode), "a special file")
        raise GalleryDamaged(f"{path}: expected {what}, found {found}; {hint}")
