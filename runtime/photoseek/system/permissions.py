"""Which accounts may read the photos, and permissions of a gallery that exclude all others.

A photo is readable by the accounts that may read its file and enter and list every folder that leads to it from the
photo folder. A gallery is readable only by accounts that may read every indexed photo.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

READ, ENTER, LIST = 0o4, 0o1, 0o5
"""Permissions that reading a file, passing through a folder, and listing and entering a folder need."""


@dataclass(frozen=True)
class Access:
    """Accounts other than the owner that may read something.

    Attributes:
        others: Whether every account may.
        groups: Groups that may; None: any group.
    """

    others: bool = True
    groups: frozenset[int] | None = None

    def narrowed(self, status: os.stat_result, needed: int) -> Access:
        """Return the accounts among these to which a file or folder grants what is needed.

        An account that is denied as a member of the file's group is also excluded from "others".
        """
        everyone = needed << 3 | needed
        if status.st_mode & everyone == everyone:
            return self
        group = status.st_mode >> 3 & needed == needed
        return self & Access(False, frozenset({status.st_gid} if group else ()))

    def __and__(self, other: Access) -> Access:
        """Return the accounts that are in both."""
        if self is other or other == EVERYONE:
            return self
        if self.groups is None or other.groups is None:
            groups = other.groups if self.groups is None else self.groups
        else:
            groups = self.groups & other.groups
        return Access(self.others and other.others, groups)

    def limit(self, mode: int, group: int) -> int:
        """Return a mode without the permissions of accounts that are not among these; ``group`` is that of the file."""
        if not self.others:
            mode &= ~0o007
        if self.groups is not None and group not in self.groups:
            mode &= ~0o070
        return mode


EVERYONE = Access()
OWNER = Access(False, frozenset())


@dataclass
class SeenAccess:
    """Who may read every photo of a scan.

    Attributes:
        access: By the permissions of the photos, and of the folders from the scanned one to them.
        places: Real paths of folders that photos are reached through: the scanned folder, and those of linked photos.
    """

    access: Access = EVERYONE
    places: set[str] = field(default_factory=set)

    def for_gallery(self, gallery: Path) -> Access:
        """Return who may read every photo, ignoring folders above ``gallery``, which protect it as well."""
        passed = {folder for place in self.places for folder in (Path(place), *Path(place).parents)}
        access = self.access
        for folder in passed - set(Path(os.path.realpath(gallery)).parents):
            try:
                access = access.narrowed(folder.stat(), ENTER)
            except OSError:  # it no longer exists
                access = OWNER
        return access


def access_of(folder: Path, gallery: Path) -> Access:
    """Return who may read the photos of a folder, as far as is known before it is scanned."""
    seen = SeenAccess(EVERYONE.narrowed(folder.stat(), LIST), {os.path.realpath(folder)})
    return seen.for_gallery(gallery)
