"""Cache of thumbnails on disk, inside the gallery, with a maximum total size."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from photoseek.errors import PhotoError
from photoseek.gallery.file_names import THUMBNAIL_NAME, THUMBNAILS
from photoseek.gallery.thumbnails import cache_key, make_thumbnail
from photoseek.photos.decode import read_photo
from photoseek.photos.photo_file import PhotoFile
from photoseek.system.folder_tag import is_tagged, make_tagged, open_file, open_folder
from photoseek.system.removal import remove_file_in

_log = logging.getLogger(__name__)

CARD_SIDE = 400
"""Longer side of a picture on a card, in pixels."""

FULL_SIDE = 1600
"""Longer side of a photo in the dialog, in pixels."""

MAX_BYTES = 128_000_000
"""Maximum total size of the thumbnails of a gallery: about 4,000 photographs."""

_EVICT_TO = 0.9  # share of the maximum size, so that not every thumbnail evicts another
_TOUCH_INTERVAL_S = 3600  # precision of the time of last use, which is the modification time of a file
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class ThumbnailCache:
    """The thumbnails of one gallery; safe to share between threads, and the folder between processes.

    The name of a file derives from the photo's path, size and modification time, and from the side. It has no suffix,
    so that no scan takes it for a photo. Nothing is cached if the folder is read-only, is a symbolic link, or contains
    files without a tag of photoseek.
    """

    def __init__(
        self,
        gallery: Path,
        max_bytes: int = MAX_BYTES,
        *,
        root: Path | None = None,
        links: bool = True,
        max_pixels: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Create the cache of a gallery.

        Args:
            gallery: Folder of the gallery.
            max_bytes: Maximum total size.
            root: Folder that photos must be in. None: any.
            links: Whether symbolic links may lead out of ``root``.
            max_pixels: Returns the limit with which the gallery is indexed, as for ``decode_photo``.
        """
        self._limit = max_pixels
        self.folder = gallery / THUMBNAILS
        self._root = root
        self._links = links
        self._max_bytes = max_bytes
        self._bytes: int | None = None  # on disk; None until counted
        self._lock = threading.Lock()

    def thumbnail(self, file: PhotoFile, side: int = CARD_SIDE) -> bytes:
        """Return a photo as an upright JPEG of at most ``side`` pixels, from the cache unless the file has changed.

        Raises:
            PhotoError: The photo does not exist, is outside ``root`` or cannot be decoded; the message is the reason.
        """
        self.check_root(file)
        parent = os.path.relpath(file.parent, self.folder) if isinstance(file, Path) else str(file)
        key = (file.name, parent, *cache_key(file), side)
        name = hashlib.sha256(repr(key).encode("utf-8", "surrogateescape")).hexdigest()[:40]
        return self._read(name) or self._create(file, name, side)

    def make(self, file: PhotoFile, side: int) -> bytes:
        """Return a photo as an upright JPEG of at most ``side`` pixels, without the cache.

        Raises:
            PhotoError: As ``thumbnail``.
        """
        self.check_root(file)
        limit = self._limit()
        return make_thumbnail(read_photo(file), side, *([] if limit is None else [limit]))

    def check_root(self, file: PhotoFile) -> None:
        """Refuse a path outside the root: somebody may have tampered with the gallery's database.

        Raises:
            PhotoError: The photo is outside ``root``.
        """
        if self._root is not None and isinstance(file, Path):  # objects never lead out of their bucket
            real = os.path.normpath if self._links else os.path.realpath
            if not Path(real(file)).is_relative_to(real(self._root)):
                raise PhotoError("outside the photo folder")

    def _read(self, name: str) -> bytes | None:
        try:
            with self._opened() as folder, os.fdopen(open_file(name, os.O_RDONLY, folder=folder), "rb") as file:
                if time.time() - os.fstat(file.fileno()).st_mtime > _TOUCH_INTERVAL_S:
                    os.utime(file.fileno())
                jpeg = file.read()
        except OSError:
            return None
        return jpeg if jpeg.startswith(_JPEG_START) and jpeg.endswith(_JPEG_END) else None

    def _create(self, file: PhotoFile, name: str, side: int) -> bytes:
        jpeg = self.make(file, side)
        try:
            if not make_tagged(self.folder):
                raise OSError("expected a folder that photoseek created, found files without its tag")
            with self._opened() as folder:
                self._write(folder, name, jpeg)
            self._count(len(jpeg))
        except OSError as error:
            _log.info("%s: cannot cache thumbnails: %s", self.folder, error)
        return jpeg

    def _write(self, folder: int, name: str, jpeg: bytes) -> None:
        """Write a thumbnail without syncing: one that a crash truncates has no end marker, and is created again."""
        partial = f"{name}.{os.getpid()}.{threading.get_ident()}.partial"
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise OSError(f"expected a thumbnail, found a link or a folder: {name}")
        flags = (
            os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        )  # the name is unique to this thread: an existing file is left from a crash
        with os.fdopen(open_file(partial, flags, os.fstat(folder).st_mode & 0o666, folder), "wb") as file:
            file.write(jpeg)
        os.replace(partial, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _count(self, more: int) -> None:
        with self._lock, self._opened() as folder:
            listed = _listed(folder) if self._bytes is None else None
            self._bytes = sum(size for _, size, _ in listed) if listed is not None else (self._bytes or 0) + more
            if self._bytes > self._max_bytes:
                self._bytes = self._evict(folder)

    def _evict(self, folder: int) -> int:
        """Remove the least recently used thumbnails, and return the remaining size."""
        files = sorted(_listed(folder))
        left = sum(size for _, size, _ in files)
        for _, size, name in files:
            if left <= self._max_bytes * _EVICT_TO:
                break
            with suppress(FileNotFoundError):  # another process has removed it
                remove_file_in(folder, name, self.folder / name)
            left -= size
        return left

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder, which must have a tag and not be a symbolic link."""
        with open_folder(self.folder.parent, self.folder.name) as folder:
            if not is_tagged(folder):
                raise OSError("expected a folder that photoseek created, found one without its tag")
            yield folder


def _listed(folder: int) -> list[tuple[float, int, str]]:
    """Return the time of last use, bytes and name of every thumbnail in an open folder."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:  # another process has removed it
                continue
            if stat.S_ISREG(status.st_mode) and THUMBNAIL_NAME.fullmatch(entry.name):
                found.append((status.st_mtime, status.st_size, entry.name))
    return found
