"""A folder of this machine, or of a disk that is mounted on it."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from photoseek.errors import GalleryError, GalleryNotFound, PhotoError
from photoseek.photos.decode import read_bounded_file, read_photo
from photoseek.photos.formats import RAW, photo_suffixes, unread_kinds
from photoseek.photos.metadata import SIDECAR_SUFFIXES, sidecar_names
from photoseek.photos.xmp import MAX_BYTES
from photoseek.sources.base import PhotoEntry, PhotoSource, ScanGaps, sidecar_checksum
from photoseek.sources.companions import Companions, may_have_companion, suffix_of
from photoseek.sources.exclusion import IGNORE_FILE, LINKED, MARKED, MARKERS, FolderRules
from photoseek.sources.single_file import expected_folder
from photoseek.system.atomic_write import read_bounded
from photoseek.system.file_systems import has_stable_inodes
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.permissions import EVERYONE, LIST, READ, Access
from photoseek.system.user_paths import printable, why_no_folder

_ATTEMPTS = 3
_TICK_S = 0.02  # two changes within one tick of the clock may have the same time: Linux ticks every 1 to 10 ms
_COARSE_TICK_S = 2.0  # of file systems that store whole seconds, or pairs of them (FAT)


def has_photo_suffix(name: str) -> bool:
    """Return whether a name has the suffix of a photo."""
    return suffix_of(name) in photo_suffixes()


def scan(folder: Path, gaps: ScanGaps | None = None, exclude: Sequence[str] = ()) -> Iterator[PhotoEntry]:
    """Yield regular files with a photo's suffix, folder by folder, sorted by name.

    What ``photoseek.sources.exclusion`` describes is left out. Links to files are followed, links to folders are not:
    a folder elsewhere is not what was named, and one inside is scanned in its place. Files that are deleted during the
    scan are skipped.

    Args:
        folder: The folder.
        gaps: Receives what cannot be read, and what is left out.
        exclude: Patterns of what is left out, as in ``.gitignore``.

    Raises:
        GalleryNotFound: The folder does not exist, or cannot be read.
        GalleryError: Its ignore file cannot be read.
    """
    gaps = ScanGaps() if gaps is None else gaps
    rules = FolderRules.of_photo_folder(folder.name, exclude)
    try:
        status = folder.stat()
        access = EVERYONE.narrowed(status, LIST)
        root = _Directory("", folder, status.st_dev, has_stable_inodes(folder), access, rules)
        os.listdir(folder)
    except OSError as error:
        remedy = f" for user {os.geteuid()}; run as a user who may read it" if error.errno == errno.EACCES else ""
        raise GalleryNotFound(f"{folder}: cannot be read as a folder of photos: {error.strerror}{remedy}") from error
    gaps.access.access &= root.access
    gaps.access.places.add(real := os.path.realpath(folder))
    pending, suffixes = [root], photo_suffixes()
    while pending:
        directory = pending.pop()
        children: list[_Directory] = []
        for path, entry in directory.entries(gaps):
            try:
                if entry.is_dir(follow_symlinks=False):
                    if directory.includes(path, entry.name, gaps, is_folder=True):
                        children.append(directory.child(path, entry))
                    continue
                suffix = suffix_of(entry.name)
                if suffix in suffixes and not stat.S_ISDIR((status := entry.stat()).st_mode):
                    raw = suffix in RAW.suffixes
                    if stat.S_ISREG(status.st_mode) and directory.includes(path, entry.name, gaps, is_raw=raw):
                        yield directory.photo(path, entry, status, gaps)
                else:
                    directory.count_other(path, entry, gaps, real)
            except OSError as error:
                gaps.add(path, error)
        pending += reversed(children)


@dataclass
class _Directory:
    """A directory of a scan; until it is listed, device, inodes and access are those of its parent.

    ``rules``: for its entries. ``names``: of its entries.
    """

    path: str
    location: Path
    device: int
    inodes: bool
    access: Access
    rules: FolderRules
    names: Sequence[str] = ()
    sidecars: dict[str, os.DirEntry[str]] = field(default_factory=dict)

    @cached_property
    def companions(self) -> Companions:
        """Its photos, with which others are one photo."""
        paths = {name: self.inside + decode_filename(name) for name in self.names if has_photo_suffix(name)}
        return Companions(
            name for name, path in paths.items() if self.rules.reason(path, name, is_folder=False) is None
        )

    @property
    def inside(self) -> str:
        """The start of the paths of its entries."""
        return f"{self.path}/" if self.path else ""

    def child(self, path: str, entry: os.DirEntry[str]) -> _Directory:
        """Return a directory in it."""
        location, rules = Path(entry.path), self.rules.inside(path)
        return _Directory(path, location, self.device, self.inodes, self.access, rules)

    def entries(self, gaps: ScanGaps) -> list[tuple[str, os.DirEntry[str]]]:
        """Return its entries by path, sorted by name; none if it cannot be listed, or a marker leaves it out."""
        try:
            device = self.device
            if self.path:
                status = self.location.lstat()
                device, self.access = status.st_dev, self.access.narrowed(status, LIST)
            with os.scandir(self.location) as entries:
                found = sorted(entries, key=attrgetter("name"))
        except OSError as error:
            gaps.add(self.path, error)
            return []
        if device != self.device:
            gaps.mounts.add(self.path)
            self.device, self.inodes = device, has_stable_inodes(self.location)
        hidden = {entry.name: entry for entry in found if entry.name.startswith(".")}
        if self.path and not MARKERS.isdisjoint(hidden):
            gaps.left_out.add(MARKED, self.path, is_folder=True)
            return []
        if IGNORE_FILE in hidden and not self._read_rules(hidden[IGNORE_FILE], gaps):
            return []
        self.names = [entry.name for entry in found]
        self.sidecars = {
            entry.name: entry
            for entry in found
            if entry.name.endswith(SIDECAR_SUFFIXES)
            and self.rules.reason(self.inside + decode_filename(entry.name), entry.name, is_folder=False) is None
        }
        return [(self.inside + decode_filename(entry.name), entry) for entry in found]

    def _read_rules(self, file: os.DirEntry[str], gaps: ScanGaps) -> bool:
        """Add the patterns of the ignore file; return False if it cannot be read: its folder is then skipped."""
        try:
            if not stat.S_ISREG(file.stat().st_mode):
                raise ValueError("expected a regular file")
            self.rules, problems = self.rules.with_file(read_bounded(Path(file.path)))
        except (OSError, ValueError) as error:
            if not os.path.lexists(file.path):  # deleted in the meantime
                return True
            reason = f"{IGNORE_FILE} cannot be read: {getattr(error, 'strerror', None) or error}"
            if not self.path:
                raise GalleryError(f"{printable(self.location)}: {reason}; make it readable, or remove it") from error
            gaps.reasons[self.path] = reason
            return False
        if problems:
            gaps.reasons[f"{self.path}/{IGNORE_FILE}".lstrip("/")] = "; ".join(problems)
        return True

    def includes(self, path: str, name: str, gaps: ScanGaps, *, is_folder: bool = False, is_raw: bool = False) -> bool:
        """Return whether an entry is read, and count it if it is not."""
        reason = self.rules.reason(path, name, is_folder=is_folder)
        if reason is None and is_raw:
            reason = self.companions.reason(name)
        if reason is not None:
            gaps.left_out.add(reason, path, is_folder=is_folder)
        return reason is None

    def count_other(self, path: str, entry: os.DirEntry[str], gaps: ScanGaps, root: str) -> None:
        """Count a link to a folder outside ``root``, and a file of a kind that is not read."""
        name = entry.name
        if entry.is_symlink() and os.path.isdir(entry.path):
            place = os.path.realpath(entry.path)
            if place != root and not place.startswith(f"{root.rstrip('/')}/"):
                reason = self.rules.reason(path, name, is_folder=True)
                gaps.left_out.add(LINKED if reason is None else reason, path, is_folder=True)
            return
        kind = unread_kinds().get(suffix_of(name))
        if kind is not None and self.rules.reason(path, name, is_folder=False) is None:
            gaps.left_out.add_other(kind, path, name, self.companions if may_have_companion(name) else None)

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
        if reason is not None and os.path.isfile(self.root):
            reason = expected_folder(self.root.name, str(self.root.parent))
        elif reason is not None:
            reason += "; expected a folder of photos"
        if reason is not None:
            raise GalleryNotFound(f"{printable(self.root)}: {reason}")

    def scan(self, gaps: ScanGaps, exclude: Sequence[str] = ()) -> Iterator[PhotoEntry]:
        """Yield every photo; see the function ``scan``."""
        return scan(self.root, gaps, exclude)

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

    def sidecars(self, path: str) -> dict[str, bytes | None]:
        """Return the content of each XMP file beside the photo at a path; see ``PhotoSource.sidecars``."""
        file, parent = self.photo_file(path), path[: path.rfind("/") + 1]
        beside = {parent + decode_filename(name): file.with_name(name) for name in sidecar_names(file.name)}
        return {name: read_bounded_file(each, MAX_BYTES) for name, each in beside.items() if os.path.lexists(each)}

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
