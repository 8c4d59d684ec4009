"""A folder of this machine, or of a disk that it has mounted.

Which photos a folder holds.

The bytes of a photo, and the facts that belong to them, while other programs write.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from photoseek.errors import GalleryNotFound, PhotoError
from photoseek.photos.decode import read_photo
from photoseek.photos.formats import SUFFIXES
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps
from photoseek.system.file_systems import has_stable_inodes
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.permissions import EVERYONE, LIST, READ, Access
from photoseek.system.user_paths import printable, why_no_folder

_TRIES = 3
_TICK_S = 0.02  # two changes within one tick of the system's clock may bear the same time: Linux ticks every 1 to 10 ms
_COARSE_TICK_S = 2.0  # of file systems that keep whole seconds, or pairs of them (FAT)


def read_stable(photo: PhotoEntry, root: Path, read: Callable[[Path], bytes]) -> tuple[PhotoEntry, bytes] | None:
    """The bytes of a photo that did not change while they were read, and the photo as it was then.

    A change after this always shows in the facts: what was written within the last tick of the clock is read only
    when the tick is over.

    Args:
        photo: As a scan found it.
        root: The folder that was scanned.
        read: Such as ``read_photo``.

    Returns:
        None where the photo is not there any more.

    Raises:
        PhotoError: It cannot be read, or keeps changing.
    """
    file = photo.under(root)
    try:
        for _ in range(_TRIES):
            before = _stat(photo, file)
            _wait_for_mtime_tick(before.mtime_ns)
            _wait_for_mtime_tick(before.ctime_ns)
            data = read(file)
            if _stat(photo, file) == before and len(data) == before.bytes:
                return before, data
    except PhotoError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return None
        raise
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error
    raise PhotoError("changes while it is read; it is tried again by the next indexing")


def _stat(photo: PhotoEntry, file: Path) -> PhotoEntry:
    return PhotoEntry.of(photo.path, file.stat(), inodes=photo.inode != 0)


def _wait_for_mtime_tick(changed_ns: int) -> None:
    tick = _TICK_S if changed_ns % 1_000_000_000 else _COARSE_TICK_S
    age = time.time() - changed_ns / 1e9
    if 0 <= age < tick:  # a time to come is of another clock, for which nothing can be waited
        time.sleep(tick - age)


_SKIPPED = frozenset({"@eaDir", "node_modules", "System Volume Information", "$RECYCLE.BIN"})


def scan(folder: Path, unseen: ScanGaps | None = None) -> Iterator[PhotoEntry]:
    """Regular files with a photo's suffix, in the order of their names, folder by folder.

    Hidden files and folders and those that systems keep for themselves are passed over. Linked files count,
    linked folders are not followed, so that a scan always ends. What vanishes meanwhile is passed over.

    Args:
        folder: Where to look.
        unseen: Told of what cannot be looked into. None: it is passed over.

    Raises:
        GalleryNotFound: No such folder, or it may not be read.
    """
    unseen = ScanGaps() if unseen is None else unseen
    try:
        status = folder.stat()
        root = _DirectoryEntry("", folder, status.st_dev, has_stable_inodes(folder), EVERYONE.narrowed(status, LIST))
        os.listdir(folder)
    except OSError as error:
        raise GalleryNotFound(f"{folder}: cannot be read as a folder of photos: {error.strerror}") from error
    unseen.access.access &= root.access
    unseen.access.places.add(os.path.realpath(folder))
    waiting = [root]
    while waiting:
        opened = waiting.pop()
        inner: list[_DirectoryEntry] = []
        for path, entry in opened.entries(unseen):
            try:
                if entry.is_dir(follow_symlinks=False):
                    inner.append(_DirectoryEntry(path, Path(entry.path), opened.device, opened.inodes, opened.access))
                elif has_photo_suffix(entry.name) and stat.S_ISREG((status := entry.stat()).st_mode):
                    unseen.access.access &= opened.access.narrowed(status, READ)
                    if entry.is_symlink():
                        unseen.access.places.add(os.path.dirname(os.path.realpath(entry.path)))  # noqa: PTH120
                    inodes = opened.inodes if status.st_dev == opened.device else has_stable_inodes(Path(entry.path))
                    yield PhotoEntry.of(path, status, inodes=inodes)
            except OSError as error:
                unseen.note(path, error)
        waiting += reversed(inner)


def is_skipped(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or kept by a system for itself."""
    return name.startswith(".") or name in _SKIPPED


def has_photo_suffix(name: str) -> bool:
    """Whether a name ends as those of photos do."""
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - a Path for each file costs as much as its stat


@dataclass
class _DirectoryEntry:
    """A folder that was not listed yet; until then, the other facts are those of the folder that it is in."""

    path: str
    place: Path
    device: int
    inodes: bool
    access: Access

    def entries(self, unseen: ScanGaps) -> list[tuple[str, os.DirEntry[str]]]:
        """What is in it, by path, in the order of the names; nothing where it cannot be listed."""
        try:
            own = self.device
            if self.path:
                status = self.place.lstat()
                own, self.access = status.st_dev, self.access.narrowed(status, LIST)
            with os.scandir(self.place) as entries:
                found = sorted((each for each in entries if not is_skipped(each.name)), key=lambda each: each.name)
        except OSError as error:
            unseen.note(self.path, error)
            return []
        if own != self.device:
            unseen.mounts.add(self.path)
            self.inodes = has_stable_inodes(self.place)
        self.device = own
        inside = f"{self.path}/" if self.path else ""
        return [(inside + decode_filename(entry.name), entry) for entry in found]


@dataclass(frozen=True)
class LocalSource:
    """A folder by its absolute path."""

    root: Path

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.root)

    @property
    def read_concurrency(self) -> int:
        """One: a second would take a core from the first."""
        return 1

    def expect(self) -> None:
        """Make sure that it is there.

        Raises:
            GalleryNotFound: It is not, or it cannot be read.
        """
        reason = why_no_folder(self.root)
        if reason is not None:
            raise GalleryNotFound(f"{printable(self.root)}: {reason}; name a folder of photos")

    def scan(self, unseen: ScanGaps) -> Iterator[PhotoEntry]:
        """As ``scan``."""
        return scan(self.root, unseen)

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        """As ``read_stable``."""
        return read_stable(photo, self.root, read_photo)

    def photo(self, path: str) -> Path:
        """Where a photo lies, always inside: a gallery that was tampered with may hold a path that leads out."""
        name = encode_filename(path)
        if name.startswith("/") or ".." in name.split("/"):
            name = os.path.normpath(f"/{name}").lstrip("/")
        return self.root / name

    def contains_any(self, paths: Collection[str]) -> bool:
        """Whether one of these photos is in it."""
        return any(self.photo(path).is_file() for path in paths)

    def same_as(self, other: PhotoSource) -> bool:
        """Whether two paths lead to the same folder, by a link, say."""
        if not isinstance(other, LocalSource):
            return False
        try:
            return self.root == other.root or self.root.samefile(other.root)
        except OSError:
            return False
