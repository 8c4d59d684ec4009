"""Which photos a folder holds."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.access import EVERYONE, LIST, READ, Access, SeenAccess
from photoseek.errors import GalleryNotFound
from photoseek.file_systems import has_stable_inodes
from photoseek.names import as_name, as_text
from photoseek.photos.formats import SUFFIXES

_SKIPPED = frozenset({"@eaDir", "node_modules", "System Volume Information", "$RECYCLE.BIN"})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # ELOOP: links in a circle lead nowhere


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A file that looks like a photo. Equal facts mean that its content did not change.

    Attributes:
        path: Relative to the folder, with forward slashes, as :func:`photoseek.names.as_text`.
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
    def of(cls, path: str, status: os.stat_result, *, inodes: bool) -> FoundPhoto:
        """Return the facts of a file; ``inodes``: whether inode numbers are stable, see :func:`has_stable_inodes`."""
        inode = status.st_ino if inodes else 0
        return cls(path, status.st_size, _signed(status.st_mtime_ns), _signed(status.st_ctime_ns), _signed(inode))

    def under(self, folder: Path) -> Path:
        """Where it lies."""
        return folder / as_name(self.path)


@dataclass
class Unseen:
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
        if error.errno not in _GONE:
            self.reasons[path] = error.strerror or str(error)

    def hides(self, path: str) -> bool:
        """Whether a photo may well be at a path."""
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self.reasons for depth in range(1, len(parts) + 1))


def scan(folder: Path, unseen: Unseen | None = None) -> Iterator[FoundPhoto]:
    """Regular files with a photo's suffix, in the order of their names, folder by folder.

    Hidden files and folders and those that systems keep for themselves are passed over. Linked files count,
    linked folders are not followed, so that a scan always ends. What vanishes meanwhile is passed over.

    Args:
        folder: Where to look.
        unseen: Told of what cannot be looked into. None: it is passed over.

    Raises:
        GalleryNotFound: No such folder, or it may not be read.
    """
    unseen = Unseen() if unseen is None else unseen
    try:
        status = folder.stat()
        root = _Folder("", folder, status.st_dev, has_stable_inodes(folder), EVERYONE.narrowed(status, LIST))
        os.listdir(folder)
    except OSError as error:
        raise GalleryNotFound(f"{folder}: cannot be read as a folder of photos: {error.strerror}") from error
    unseen.access.access &= root.access
    unseen.access.places.add(os.path.realpath(folder))
    waiting = [root]
    while waiting:
        opened = waiting.pop()
        inner: list[_Folder] = []
        for path, entry in opened.entries(unseen):
            try:
                if entry.is_dir(follow_symlinks=False):
                    inner.append(_Folder(path, Path(entry.path), opened.device, opened.inodes, opened.access))
                elif looks_like_photo(entry.name) and stat.S_ISREG((status := entry.stat()).st_mode):
                    unseen.access.access &= opened.access.narrowed(status, READ)
                    if entry.is_symlink():
                        unseen.access.places.add(os.path.dirname(os.path.realpath(entry.path)))  # noqa: PTH120
                    inodes = opened.inodes if status.st_dev == opened.device else has_stable_inodes(Path(entry.path))
                    yield FoundPhoto.of(path, status, inodes=inodes)
            except OSError as error:
                unseen.note(path, error)
        waiting += reversed(inner)


def passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or kept by a system for itself."""
    return name.startswith(".") or name in _SKIPPED


def looks_like_photo(name: str) -> bool:
    """Whether a name ends as those of photos do."""
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - a Path for each file costs as much as its stat


@dataclass
class _Folder:
    """A folder that was not listed yet; until then, the other facts are those of the folder that it is in."""

    path: str
    place: Path
    device: int
    inodes: bool
    access: Access

    def entries(self, unseen: Unseen) -> list[tuple[str, os.DirEntry[str]]]:
        """What is in it, by path, in the order of the names; nothing where it cannot be listed."""
        try:
            own = self.device
            if self.path:
                status = self.place.lstat()
                own, self.access = status.st_dev, self.access.narrowed(status, LIST)
            with os.scandir(self.place) as entries:
                found = sorted((each for each in entries if not passed_over(each.name)), key=lambda each: each.name)
        except OSError as error:
            unseen.note(self.path, error)
            return []
        if own != self.device:
            unseen.mounts.add(self.path)
            self.inodes = has_stable_inodes(self.place)
        self.device = own
        inside = f"{self.path}/" if self.path else ""
        return [(inside + as_text(entry.name), entry) for entry in found]


def _signed(value: int) -> int:
    """A number as SQLite stores it, in 64 bits: some file systems use all of them for inodes, and dates beyond 2262."""
    return (value + 2**63) % 2**64 - 2**63
