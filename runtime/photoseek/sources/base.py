"""Photo sources: what indexing and searching require of a folder with photos, local or in object storage."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from photoseek.photos.photo_file import PhotoFile
from photoseek.sources.left_out import LeftOutCounts
from photoseek.system.filenames import encode_filename
from photoseek.system.permissions import SeenAccess

_SIGN = 2**63
_NOT_FOUND_ERRNOS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # ELOOP: a cycle of links


class PhotoSource(Protocol):
    """A folder with photos, each identified by its path inside, with forward slashes."""

    @property
    def address(self) -> str:
        """A path, or an address such as ``s3://bucket/photos``."""

    @property
    def read_concurrency(self) -> int:
        """How many photos one worker should read concurrently: more than one if reading is mostly I/O wait."""

    def check_available(self) -> None:
        """Check that it exists and can be read.

        Raises:
            GalleryNotFound: It does not exist.
            PhotoSourceUnreachable: The storage cannot be reached.
        """

    def scan(self, gaps: ScanGaps, exclude: Sequence[str] = ()) -> Iterator[PhotoEntry]:
        """Yield every photo that the rules of ``photoseek.sources.exclusion`` do not leave out.

        Args:
            gaps: Receives what cannot be read, and what is left out.
            exclude: Patterns, as in ``.gitignore``, for the paths of what is left out.

        Raises:
            GalleryNotFound: It does not exist.
            PhotoSourceUnreachable: It cannot be listed completely; nothing is known about its photos.
        """

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        """Return the current record of a photo and its content, or None if it no longer exists.

        Raises:
            PhotoUnreachable: The storage cannot be reached.
            PhotoError: It cannot be read.
        """

    def sidecars(self, path: str) -> dict[str, bytes | None]:
        """Return the content of each XMP file beside the photo at a path, by its path, the one that precedes first.

        It is None if the file cannot be read, or is longer than ``photoseek.photos.xmp.MAX_BYTES``.

        Raises:
            PhotoUnreachable: The storage cannot be reached.
            PhotoError: The path is not one of the folder.
        """

    def photo_file(self, path: str) -> PhotoFile:
        """Return the photo at a path, whether or not it exists."""

    def contains_any(self, paths: Collection[str]) -> bool:
        """Return whether one of these photos exists."""

    def same_as(self, other: PhotoSource) -> bool:
        """Return whether another source is the same folder."""


class PhotoEntry(NamedTuple):
    """A file with the suffix of a photo. If two entries are equal, its content did not change.

    A tuple, because a scan creates one for each file.

    Attributes:
        path: Relative to the folder, with forward slashes, as returned by ``decode_filename``.
        bytes: Its size.
        mtime_ns: When its content last changed, unless a program set another time.
        ctime_ns: When its content or metadata last changed, which programs cannot set; 0 in object storage.
        inode: Its number in the file system; 0 without stable inode numbers, and in object storage.
        sidecar: Checksum of size and times of the XMP files beside it, see ``sidecar_names``; 0 if there is none.
    """

    path: str
    bytes: int
    mtime_ns: int
    ctime_ns: int = 0
    inode: int = 0
    sidecar: int = 0

    @classmethod
    def of(cls, path: str, status: os.stat_result, *, inodes: bool) -> PhotoEntry:
        """Return the entry of a file; ``inodes``: whether inode numbers are stable, see ``has_stable_inodes``."""
        mtime, ctime, inode = status.st_mtime_ns, status.st_ctime_ns, status.st_ino if inodes else 0
        if not (-_SIGN <= mtime < _SIGN and -_SIGN <= ctime < _SIGN and inode < _SIGN):
            mtime, ctime, inode = map(_signed, (mtime, ctime, inode))
        return cls(path, status.st_size, mtime, ctime, inode)

    def under(self, folder: Path) -> Path:
        """Return its path under the folder."""
        return folder / encode_filename(self.path)


@dataclass
class ScanGaps:
    """Folders and files that a scan could not read, whose photos may still exist, and those that it left out.

    Attributes:
        reasons: By the path of the folder or file that could not be read, relative to the scanned folder.
        left_out: What was left out, and files of kinds that are not read.
        mounts: Folders on another file system than their parent.
        access: Who may read every photo that the scan yielded.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    left_out: LeftOutCounts = field(default_factory=LeftOutCounts)
    mounts: set[str] = field(default_factory=set)
    access: SeenAccess = field(default_factory=SeenAccess)

    def add(self, path: str, error: OSError) -> None:
        """Add a folder or file that could not be read, unless it no longer exists."""
        if error.errno not in _NOT_FOUND_ERRNOS:
            self.reasons[path] = error.strerror or str(error)

    def covers(self, path: str) -> bool:
        """Return whether a photo may exist at a path that the scan could not read."""
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self.reasons for depth in range(1, len(parts) + 1))


def sidecar_checksum(states: Iterable[tuple[int, ...]]) -> int:
    """Return ``PhotoEntry.sidecar`` for the sizes and times of XMP files; 0 without any."""
    found = [*states]
    return zlib.crc32(repr(found).encode()) or 1 if found else 0


def _signed(value: int) -> int:
    """Return a number as a signed 64-bit integer for SQLite; inodes and dates after 2262 may exceed it."""
    return (value + _SIGN) % (2 * _SIGN) - _SIGN
