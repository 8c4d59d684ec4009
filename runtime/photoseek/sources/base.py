"""What indexing and searching ask of a place with photos, wherever it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from photoseek.photos.photo_file import PhotoFile
from photoseek.system.filenames import encode_filename
from photoseek.system.permissions import SeenAccess

_NOT_FOUND_ERRNOS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # ELOOP: links in a circle lead nowhere


class PhotoSource(Protocol):
    """A place with photos, each known by its path inside, with forward slashes."""

    @property
    def address(self) -> str:
        """How people name it: a path, or ``s3://bucket/photos``."""

    @property
    def read_concurrency(self) -> int:
        """How many photos one worker best reads at the same time: more than one where reading is waiting."""

    def expect(self) -> None:
        """Make sure that it is there.

        Raises:
            GalleryNotFound: It is not.
            PhotoSourceUnreachable: It cannot be told now.
        """

    def scan(self, unseen: ScanGaps) -> Iterator[PhotoEntry]:
        """Every photo in it; what cannot be looked into is noted in ``unseen``.

        Raises:
            GalleryNotFound: It is not there.
            PhotoSourceUnreachable: It cannot be listed to the end, which says nothing of its photos.
        """

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        """The bytes of a photo, and the size and time that belong to them; None where it is not there any more.

        Raises:
            PhotoUnreachable: It cannot be told now what is there.
            PhotoError: It cannot be read.
        """

    def photo(self, path: str) -> PhotoFile:
        """The photo at a path, whether or not it is there."""

    def contains_any(self, paths: Collection[str]) -> bool:
        """Whether one of these photos is in it."""

    def same_as(self, other: PhotoSource) -> bool:
        """Whether another one is this very place."""


@dataclass(frozen=True, slots=True)
class PhotoEntry:
    """A file that looks like a photo. Equal facts mean that its content did not change.

    Attributes:
        path: Relative to the folder, with forward slashes, as ``decode_filename``.
        bytes: Its size.
        mtime_ns: When its content was last changed, as far as programs do not set the time themselves.
        ctime_ns: When its content or metadata was last changed, which programs cannot set; 0 in object storage.
        inode: Its number in the file system; 0 where that has no stable numbers, and in object storage.
    """

    path: str
    bytes: int
    mtime_ns: int
    ctime_ns: int = 0
    inode: int = 0

    @classmethod
    def of(cls, path: str, status: os.stat_result, *, inodes: bool) -> PhotoEntry:
        """Return the facts of a file; ``inodes``: whether inode numbers are stable, see ``has_stable_inodes``."""
        inode = status.st_ino if inodes else 0
        return cls(path, status.st_size, _signed(status.st_mtime_ns), _signed(status.st_ctime_ns), _signed(inode))

    def under(self, folder: Path) -> Path:
        """Where it lies."""
        return folder / encode_filename(self.path)


@dataclass
class ScanGaps:
    """What a scan could not look into: a folder that cannot be read now is not a folder without photos.

    Attributes:
        reasons: Why, by the path of the folder or file, relative to the scanned folder.
        mounts: Folders on another disk than the folder that they are in.
        access: Who may read every photo that the scan yielded.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    mounts: set[str] = field(default_factory=set)
    access: SeenAccess = field(default_factory=SeenAccess)

    def note(self, path: str, error: OSError) -> None:
        """Keep why something could not be looked into; what is not there any more hides nothing."""
        if error.errno not in _NOT_FOUND_ERRNOS:
            self.reasons[path] = error.strerror or str(error)

    def covers(self, path: str) -> bool:
        """Whether a photo may well be at a path."""
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self.reasons for depth in range(1, len(parts) + 1))


def _signed(value: int) -> int:
    """A number as SQLite stores it, in 64 bits: some file systems use all of them for inodes, and dates beyond 2262."""
    return (value + 2**63) % 2**64 - 2**63
