"""The folder of a gallery: where it may be created, and who may read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from photoseek.errors import GalleryError
from photoseek.gallery.file_names import (
    BUNDLES,
    CURRENT,
    DATABASE,
    DRAFT_FILE,
    GALLERY_FILE,
    GENERATIONS,
    LOCK,
    THUMBNAILS,
)
from photoseek.system.folder_tag import TAG, expect_file, is_tagged, make_tagged, open_folder
from photoseek.system.permissions import EVERYONE, Access
from photoseek.system.removal import DRAFT_NAME, is_ours

_FOLDERS = (GENERATIONS, BUNDLES, THUMBNAILS)
_FILES = (TAG, LOCK, CURRENT)


def create_folder(folder: Path, access: Access) -> None:
    """Create the folder of a new gallery, or use one that is empty or from an interrupted creation.

    Args:
        folder: The folder.
        access: Accounts that may read the photos.

    Raises:
        GalleryError: The folder contains other files, or the path is not a folder.
        OSError: The folder cannot be created.
    """
    if folder.is_symlink() and not folder.exists():
        raise GalleryError(f"{folder}: expected a folder, found a symbolic link to nothing; name another --gallery")
    if folder.exists() and not folder.is_dir():
        raise GalleryError(f"{folder}: expected a folder, found a file; name another --gallery")
    if not folder.exists():
        file = next((above for above in folder.parents if above.exists() and not above.is_dir()), None)
        if file is not None:
            raise GalleryError(
                f"{folder}: expected its parents to be folders, found the file {file}; name another --gallery"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=access.limit(0o777, _group_inside(folder.parent)), exist_ok=True)
    elif unknown := _unknown_entries(folder):
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        raise GalleryError(
            f"{folder}: expected a new or empty folder, or a gallery, found {unknown[0]}{more}; "
            "name another folder with --gallery"
        )
    limit_access(folder, access)
    if not make_tagged(folder):
        raise GalleryError(f"{folder}: expected an empty folder, found other files; name another one with --gallery")


def expect_database(gallery: Path) -> None:
    """Raise unless the database of a gallery and its journals are files inside the gallery.

    Raises:
        GalleryDamaged: One is a symbolic link or not a regular file.
    """
    for suffix in ("", "-journal", "-wal", "-shm"):
        expect_file(gallery / f"{DATABASE}{suffix}", "photoseek does not follow links inside a gallery; remove it")


def limit_access(gallery: Path, access: Access) -> None:
    """Remove permissions of a gallery and its files for accounts that are not in ``access``; none are added.

    Files in the folder that photoseek did not write are left unchanged.

    Raises:
        GalleryError: They cannot be changed.
    """
    if access == EVERYONE:
        return
    try:
        with open_folder(gallery) as folder:
            status = os.fstat(folder)
            if (mode := access.limit(stat.S_IMODE(status.st_mode), status.st_gid)) != stat.S_IMODE(status.st_mode):
                os.fchmod(folder, mode)
            for inside, names in _walk(folder):
                _limit_all(names, inside, access)
    except OSError as error:
        raise GalleryError(
            f"{gallery}: expected a gallery that only accounts with access to the photos may read, and its permissions "
            f"cannot be changed: {error.strerror or error}; change them as its owner, or name another --gallery"
        ) from error


def _walk(folder: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each open folder of a gallery, with the names of files that photoseek writes there."""
    for above, folders, files, inside in os.fwalk(".", dir_fd=folder):
        prefix = above.removeprefix(".").removeprefix("/")
        prefix += "/" if prefix else ""
        folders[:] = [name for name in folders if GALLERY_FILE.fullmatch(f"{prefix}{name}/")]
        yield inside, [*folders, *(name for name in files if GALLERY_FILE.fullmatch(f"{prefix}{name}"))]


def _limit_all(names: Iterable[str], folder: int, access: Access) -> None:
    for name in names:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:  # a journal, or a thumbnail that the page removed
            continue
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISLNK(status.st_mode) and (limited := access.limit(mode, status.st_gid)) != mode:
            os.chmod(name, limited, dir_fd=folder)  # not opened, because closing a database releases SQLite's locks


def _unknown_entries(folder: Path) -> list[str]:
    """Return the entries that prevent a folder from becoming a gallery: all of them unless it is tagged."""
    with open_folder(folder) as opened:
        names = sorted(os.listdir(opened))
        return [name for name in names if not is_tagged(opened) or not _is_leftover(folder, opened, name)]


def _is_leftover(folder: Path, opened: int, name: str) -> bool:
    """Return whether an entry of a tagged folder is from an interrupted creation or a deleted database."""
    mode = os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode
    if DRAFT_NAME.fullmatch(name):
        return is_ours(folder, name, files=DRAFT_FILE)
    return (name in _FILES and stat.S_ISREG(mode)) or (name in _FOLDERS and stat.S_ISDIR(mode))


def _group_inside(folder: Path) -> int:
    """Return the group of new files in a folder."""
    status = folder.stat()
    return status.st_gid if status.st_mode & stat.S_ISGID else os.getegid()
