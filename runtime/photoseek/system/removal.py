"""Removal of files and folders that photoseek created. No other module removes anything.

Everything is named relative to an open folder, symbolic links are never followed, and each removal is logged.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photoseek.system.folder_tag import TAG, is_tagged, open_folder, open_inside, write_tag

TEMP_PREFIX = ".photoseek-new-"
"""Prefix of the name of a tagged folder with incomplete files."""

DRAFT_NAME = re.compile(rf"{re.escape(TEMP_PREFIX)}[0-9a-f]{{16}}")

_log = logging.getLogger(__name__)


def remove_file(path: Path, *inner: str) -> bool:
    """Remove a regular file, and return whether it was removed; a link or any other kind of file is left alone.

    Args:
        path: The file, or the folder that ``inner`` starts from.
        inner: Folders below ``path`` and the name of the file; none of the folders may be a symbolic link.
    """
    folder, names = (path, inner) if inner else (path.parent, (path.name,))
    try:
        with open_folder(folder, *names[:-1]) as descriptor:
            return remove_file_in(descriptor, names[-1], folder.joinpath(*names))
    except OSError as error:
        _log_kept(folder.joinpath(*names), error)
        return False


def remove_file_in(folder: int, name: str, path: Path) -> bool:
    """Remove a regular file of an open folder, and return whether it was removed; ``path`` is its path in the log.

    Raises:
        OSError: It cannot be removed.
    """
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        return False
    _remove(folder, name, path)
    return True


def remove_folder(path: Path, *inner: str, files: re.Pattern[str]) -> bool:
    """Remove a tagged or empty folder with what is in it, and return whether it was removed.

    The folder is left unchanged, with a warning in the log, if it contains anything that ``files`` does not match.

    Args:
        path: The folder, or the folder that ``inner`` starts from.
        inner: Folders below ``path``, none of them a symbolic link; the last is removed.
        files: Matches the path of everything that may be inside, relative to the folder; those of folders end with /.
    """
    above, names = (path, inner) if inner else (path.parent, (path.name,))
    full = above.joinpath(*names)
    try:
        with open_folder(above, *names[:-1]) as parent:
            descriptor = open_inside(parent, names[-1])
            try:
                _expect_ours(descriptor, files)
                _empty(descriptor, files, full)
            finally:
                os.close(descriptor)
            _remove(parent, names[-1], full, folder=True)
    except OSError as error:
        _log_kept(full, error)
        return False
    return True


def is_ours(path: Path, *inner: str, files: re.Pattern[str]) -> bool:
    """Return whether ``remove_folder`` would remove a folder."""
    try:
        with open_folder(path, *inner) as folder:
            _expect_ours(folder, files)
    except OSError:
        return False
    return True


@contextmanager
def draft_folder(parent: Path, files: re.Pattern[str]) -> Iterator[Path]:
    """Create a tagged folder that only its owner may enter, yield its path, and remove it.

    Args:
        parent: The folder that it is created in.
        files: As those of ``remove_folder``.

    Raises:
        OSError: It cannot be created.
    """
    path = parent / f"{TEMP_PREFIX}{secrets.token_hex(8)}"
    path.mkdir(mode=0o700)
    try:
        with open_folder(path) as folder:
            write_tag(folder)
        yield path
    finally:
        remove_folder(path, files=files)


def _expect_ours(folder: int, files: re.Pattern[str]) -> None:
    """Raise OSError unless an open folder is empty, or is tagged and contains only files that ``files`` matches."""
    paths = list(_walk(folder))
    if paths and not is_tagged(folder):
        raise OSError(f"it has no valid {TAG}, so photoseek did not create it")
    if (unknown := next((path for path in paths if path != TAG and not files.fullmatch(path)), None)) is not None:
        raise OSError(f"it contains {unknown}, which photoseek did not create")


def _walk(folder: int, above: str = "") -> Iterator[str]:
    """Yield the relative path of everything in an open folder; folders end with /, links and special files with ?."""
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in entries)
    for name, mode in found:
        if not stat.S_ISDIR(mode):
            yield f"{above}{name}" if stat.S_ISREG(mode) else f"{above}{name}?"
            continue
        yield f"{above}{name}/"
        inside = open_inside(folder, name)
        try:
            yield from _walk(inside, f"{above}{name}/")
        finally:
            os.close(inside)


def _empty(folder: int, files: re.Pattern[str], full: Path, above: str = "") -> None:
    """Remove what ``files`` matches from an open folder, the tag last, so that an interrupted removal can resume."""
    with os.scandir(folder) as entries:
        found = sorted((entry.name == TAG, entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for tag, name, is_folder in found:
        path = f"{above}{name}"
        if is_folder and files.fullmatch(f"{path}/"):
            inside = open_inside(folder, name)
            try:
                _empty(inside, files, full / name, f"{path}/")
            finally:
                os.close(inside)
            _remove(folder, name, full / name, folder=True)
        elif (tag and not above) or files.fullmatch(path):
            remove_file_in(folder, name, full / name)


def _remove(parent: int, name: str, path: Path, *, folder: bool = False) -> None:
    """Remove one file, or one folder that is empty: every removal of the package goes through here."""
    try:
        if folder:
            os.rmdir(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)
    except FileNotFoundError:  # removed by another process
        return
    _log.info("removed %s", path)


def _log_kept(path: Path, error: OSError) -> None:
    if error.errno != errno.ENOENT:
        _log.warning("%s: not removed: %s", path, error.strerror or error)
