"""Folders, photos and cameras of a gallery by names that people type.

A disk may store a name in another Unicode form than a keyboard types: macOS's older disks decompose (NFD), most
keyboards compose (NFC).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from photoseek.errors import QueryError
from photoseek.gallery.database.cameras import has_unread_cameras, list_cameras
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.folders import list_folders
from photoseek.gallery.filters import Filter, camera_key

_MOST_NAMED, _MOST_CAMERAS = 3, 12
_MOST_COMPARED = 20_000  # folders; comparing more takes seconds


def unicode_forms(path: str) -> tuple[str, ...]:
    """Return a path unchanged, composed and decomposed, without repetitions."""
    if path.isascii():
        return (path,)
    return tuple(dict.fromkeys((path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))))


def photo_path(database: Database, path: str) -> str:
    """Return the path of the photo that differs at most in its Unicode form; the same path if there is none."""
    return next(
        (form for form in unicode_forms(path) if database.query("SELECT 1 FROM photos WHERE path = ?", form)),
        path if path.isascii() else _same(path, database.paths()) or path,
    )


def with_known_names(database: Database, where: Filter) -> Filter:
    """Return a filter with its folder and its camera as the gallery spells them.

    Raises:
        QueryError: The gallery has no photos in such a folder, or of such a camera; the message names others.
    """
    return _with_known_camera(database, with_known_folder(database, where))


def with_known_folder(database: Database, where: Filter) -> Filter:
    """Return a filter with its folder as the gallery spells it.

    Raises:
        QueryError: The gallery has no photos in such a folder; the message names the closest ones.
    """
    wanted = where.folder_prefix.removesuffix("/")
    if not wanted:
        return where
    for form in unicode_forms(wanted):
        if database.query("SELECT 1 FROM photos WHERE path >= ? AND path < ? LIMIT 1", f"{form}/", f"{form}0"):
            return where if form == wanted else replace(where, folder=form)
    folders = list_folders(database)
    if (same := _same(wanted, folders)) is not None:
        return replace(where, folder=same)
    if not folders:
        raise QueryError(f"folder: expected none, since this gallery has no folders, found {wanted!r:.200}")
    closest = _closest(wanted, folders)
    names = ", ".join(repr(folder) for folder in closest or folders[:_MOST_NAMED])
    hint = f"the closest: {names}" if closest else f"it has {names}{', ...' if len(folders) > _MOST_NAMED else ''}"
    raise QueryError(f"folder: expected a folder of this gallery, found {wanted!r:.200}; {hint}")


def _with_known_camera(database: Database, where: Filter) -> Filter:
    if where.camera is None:
        return where
    wanted, known = camera_key(where.camera), dict[str, str]()
    for camera in list_cameras(database):
        known.setdefault(camera_key(camera), camera)
    if wanted in known:
        return replace(where, camera=known[wanted])
    found = f"found {where.camera!r:.200}"
    if not known and has_unread_cameras(database):
        raise QueryError(f"camera: the cameras of this gallery are not read yet, {found}; run: photoseek index PHOTOS")
    if not known:
        raise QueryError(f"camera: expected none, since no photo of this gallery names its camera, {found}")
    similar = [*(key for key in known if wanted in key), *_similar(wanted, known, _MOST_CAMERAS), *known]
    named = [repr(known[key]) for key in dict.fromkeys(similar)]
    shown = [*named[:_MOST_CAMERAS], *(["..."] if len(named) > _MOST_CAMERAS else [])]
    raise QueryError(f"camera: expected a camera of this gallery, {found}; it has {', '.join(shown)}")


def _same(path: str, known: Iterable[str]) -> str | None:
    """Return the known path that differs only in the Unicode form of some of its components."""
    wanted = unicodedata.normalize("NFC", path)
    return min((each for each in known if unicodedata.normalize("NFC", each) == wanted), default=None)


def _closest(wanted: str, folders: list[str]) -> list[str]:
    """Return folders with the same name elsewhere, then those with a similar path."""
    folded, last = wanted.casefold(), wanted.casefold().rpartition("/")[2]
    named = [folder for folder in folders if folder.casefold().rpartition("/")[2] == last]
    by_path = {folder.casefold(): folder for folder in folders[:_MOST_COMPARED]}
    similar = [by_path[path] for path in _similar(folded, by_path, _MOST_NAMED)]
    return list(dict.fromkeys((*named, *similar)))[:_MOST_NAMED]


def _similar(text: str, known: Iterable[str], most: int) -> list[str]:
    from difflib import get_close_matches  # here, because searches rarely need it

    return get_close_matches(text, list(known), most)
