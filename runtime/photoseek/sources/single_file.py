"""A file where a folder of photos is expected."""

from __future__ import annotations

from photoseek.photos.formats import photo_suffixes, unread_kinds
from photoseek.system.user_paths import printable

_ARCHIVES = {".zip": "ZIP", ".tar": "tar", ".tgz": "tar", ".gz": "gzip", ".7z": "7z", ".rar": "RAR"}


def expected_folder(name: str, parent: str) -> str:
    """Return what a file is, and what to do.

    Args:
        name: Its name.
        parent: The folder that contains it.
    """
    suffix = name[name.rfind(".") :].lower()
    found, remedy = "a file", "name a folder of photos"
    if suffix in _ARCHIVES:
        found, remedy = f"a {_ARCHIVES[suffix]} archive", "unpack it, and name the folder with its photos"
    elif suffix in photo_suffixes() or suffix in unread_kinds():
        found = "one photo" if suffix in photo_suffixes() else "a file"
        remedy = f"name its folder, {printable(parent)}"
    return f"expected a folder, found {found}; {remedy}"
