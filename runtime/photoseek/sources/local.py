"""A folder of this machine, or of a disk that is mounted on it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from photoseek.errors import GalleryNotFound, PhotoError
from photoseek.photos.decode import read_bounded_file, read_photo
from photoseek.photos.formats import SUFFIXES
from photoseek.photos.metadata import SIDECAR_SUFFIXES, sidecar_names
from photoseek.photos.xmp import MAX_BYTES
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps, sidecar_checksum
from photoseek.system.file_systems import has_stable_inodes
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.permissions import EVERYONE, LIST, READ, Access
from photoseek.system.user_paths import printable, why_no_folder

_ATTEMPTS = 3
_TICK_S = 0.02  # two changes within one tick of the clock may have the same time: Linux ticks every 1 to 10 ms
_COARSE_TICK_S = 2.0  # of file systems that store whole seconds, or pairs of them (FAT)
_SKIPPED = frozenset({"@eaDir", "node_modules", "System Volume Information", "$RECYCLE.BIN"})


def is_skipped(name: str) -> bool:
    """Return whether a file or folder is hidden, or reserved by a system."""
    return name.startswith(".") or name in _SKIPPED


def has_photo_suffix(name: str) -> bool:
    """Return whether a name has the suffix of a photo."""
    return name[name.rfind(".") :].lower() in SUFFIXES  # a Path for each file would cost as much as its stat


def scan(folder: Path, gaps: ScanGaps | None = None) -> Iterator[PhotoEntry]:
    """Yield regular files with a photo's suffix, folder by folder, sorted by name.

    Hidden and reserved files and folders are skipped. Links to files are followed, links to folders are not, so that a
    scan always ends. Files that are deleted during the scan are skipped.

    Args:
        folder: The folder.
        gaps: Receives what cannot be read. None: it is skipped.

    Raises:
        GalleryNotFound: The folder does not exist, or cannot be read.
    """
    gaps = ScanGaps() if gaps is None else gaps
    try:
        status = folder.stat()
        root = _Directory("", folder, status.st_dev, has_stable_inodes(folder), EVERYONE.narrowed(status, LIST))
        os.listdir(folder)
    except OSError as error:
        raise GalleryNotFound(f"{folder}: cannot be read as a folder of photos: {error.strerror}") from error
    gaps.access.access &= root.access
    gaps.access.places.add(os.path.realpath(folder))
    pending = [root]
    while pending:
        directory = pending.pop()
        children: list[_Directory] = []
        for path, entry in directory.entries(gaps):
            try:
                if entry.is_dir(follow_symlinks=False):
                    children.append(
                        _Directory(path, Path(entry.path), directory.device, directory.inodes, directory.access)
                    )
                elif has_photo_suffix(entry.name) and stat.S_ISREG((status := entry.stat()).st_mode):
                    yield directory.photo(path, entry, status, gaps)
            except OSError as error:
                gaps.add(path, error)
        pending += reversed(children)


@dataclass
class _Directory:
    """A directory of a scan; until it is listed, device, inodes and access are those of its parent."""

    path: str
    location: Path
    device: int
    inodes: bool
    access: Access
    sidecars: dict[str, os.DirEntry[str]] = field(default_factory=dict)

    def entries(self, gaps: ScanGaps) -> list[tuple[str, os.DirEntry[str]]]:
        """Return its entries by path, sorted by name; none if it cannot be listed."""
        try:
            device = self.device
            if self.path:
                status = self.location.lstat()
                device, self.access = status.st_dev, self.access.narrowed(status, LIST)
            with os.scandir(self.location) as entries:
                found = sorted((each for each in entries if not is_skipped(each.name)), key=attrgetter("name"))
            self.sidecars = {each.name: each for each in found if each.name.endswith(SIDECAR_SUFFIXES)}
        except OSError as error:
            gaps.add(self.path, error)
            return []
        if device != self.device:
            gaps.mounts.add(self.path)
            self.device, self.inodes = device, has_stable_inodes(self.location)
        inside = f"{self.path}/" if self.path else ""
        return [(inside + decode_filename(entry.name), entry) for entry in found]

    def photo(self, path: str, entry: os.DirEntry[str], status: os.stat_result, gaps: ScanGaps) -> PhotoEntry:
        """Return the entry of a photo in it, and restrict ``gaps.access`` to who may read it."""
        access = self.access.narrowed(status, READ)
        if access is not gaps.access.access:
            gaps.access.access &= access
        if entry.is_symlink():
            gaps.access.places.add(os.path.dirname(os.path.realpath(entry.path)))  # noqa: PTH120
        inodes = self.inodes if status.st_dev == self.device else has_stable_inodes(Path(entry.path))
        photo = PhotoEntry.of(path, status, inodes=inodes)
        return photo._replace(sidecar=self._sidecar(entry.name, gaps)) if self.sidecars else photo

    def _sidecar(self, name: str, gaps: ScanGaps) -> int:
        """Return the checksum of the XMP files beside a photo; the gallery has their texts, too."""
        states = []
        for each in (self.sidecars[name] for name in sidecar_names(name) if name in self.sidecars):
            with suppress(OSError):
                status = each.stat()
                gaps.access.access &= self.access.narrowed(status, READ)
                states.append((status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        return sidecar_checksum(states)


@dataclass(frozen=True)
class LocalSource:
    """A folder by its absolute path; its methods are those of ``PhotoSource``."""

    root: Path

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.root)

    @property
    def read_concurrency(self) -> int:
        """One, because a second would compete for the same core."""
        return 1

    def check_available(self) -> None:
        """Raise GalleryNotFound unless it exists and can be read."""
        reason = why_no_folder(self.root)
        if reason is not None:
            raise GalleryNotFound(f"{printable(self.root)}: {reason}; expected a folder of photos")

    def scan(self, gaps: ScanGaps) -> Iterator[PhotoEntry]:
        """Yield every photo; see the function ``scan``."""
        return scan(self.root, gaps)

    def read_stable(self, photo: PhotoEntry) -> tuple[PhotoEntry, bytes] | None:
        """Return a photo that did not change while it was read, and its content; None if it no longer exists.

        Every later change is visible in the entry: a file that changed within the last tick of the clock is read after
        the tick.
        """
        file = photo.under(self.root)
        try:
            for _ in range(_ATTEMPTS):
                before = _stat(photo, file)
                _wait_for_tick(before.mtime_ns)
                _wait_for_tick(before.ctime_ns)
                data = read_photo(file)
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
        raise PhotoError("changes while it is read; the next indexing tries it again")

    def read_sidecars(self, photo: PhotoEntry) -> list[bytes]:
        """Return the content of the XMP files beside a photo; see ``PhotoSource.read_sidecars``."""
        file = photo.under(self.root)
        found = (read_bounded_file(file.with_name(name), MAX_BYTES) for name in sidecar_names(file.name))
        return [document for document in found if document is not None]

    def photo_file(self, path: str) -> Path:
        """Return the file of a photo, always inside the folder: a tampered gallery may record a path outside."""
        name = encode_filename(path)
        if name.startswith("/") or ".." in name.split("/"):
            name = os.path.normpath(f"/{name}").lstrip("/")
        return self.root / name

    def contains_any(self, paths: Collection[str]) -> bool:
        """Return whether one of these photos exists."""
        return any(self.photo_file(path).is_file() for path in paths)

    def same_as(self, other: PhotoSource) -> bool:
        """Return whether another source is the same folder, possibly by a link."""
        if not isinstance(other, LocalSource):
            return False
        try:
            return self.root == other.root or self.root.samefile(other.root)
        except OSError:
            return False


def _stat(photo: PhotoEntry, file: Path) -> PhotoEntry:
    return PhotoEntry.of(photo.path, file.stat(), inodes=photo.inode != 0)._replace(sidecar=photo.sidecar)


def _wait_for_tick(changed_ns: int) -> None:
    tick = _TICK_S if changed_ns % 1_000_000_000 else _COARSE_TICK_S
    age = time.time() - changed_ns / 1e9
    if 0 <= age < tick:  # a time in the future is from another clock, so waiting does not help
        time.sleep(tick - age)
