"""Thumbnails kept on disk, inside the gallery: each is made once, and all together stay below a size."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from photoseek.errors import PhotoError
from photoseek.folders.folder import PhotoFile
from photoseek.photos import read_photo
from photoseek.thumbnails import shrink, version_of

_log = logging.getLogger(__name__)

FOLDER = "thumbnails"
"""Inside the gallery's own folder."""

CARD_SIDE = 400
"""The longer side of a picture on a card, in pixels."""

FULL_SIDE = 1600
"""The longer side of a photo that is looked at alone, in pixels."""

MAX_BYTES = 128_000_000
"""All thumbnails of a gallery together; some 4,000 of photographs."""

_DECODERS = 4  # photos decoded at the same time
_LEFT = 0.9  # share of the size that is left after tidying up, so that it is not done each time
_NOTED_ANEW_S = 3600  # the time of a file is that of its last use, up to this
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class Pictures:
    """The thumbnails of one gallery; may be shared between threads, and the folder between processes.

    A file is named by the photo's path, its size, the moment of its last change and the length of its side, without an
    ending: no scan takes it for a photo. Where the folder cannot be written, nothing is kept.
    """

    def __init__(
        self, gallery: Path, max_bytes: int = MAX_BYTES, *, root: Path | None = None, links: bool = True
    ) -> None:
        """Make thumbnails of photos in ``root`` alone, unless it is None; ``links``: those that lead out count, too."""
        self.folder = gallery / FOLDER
        self._root = root
        self._links = links
        self._max_bytes = max_bytes
        self._bytes: int | None = None  # on disk; None until it has been counted
        self._lock = threading.Lock()

    def of(self, file: PhotoFile, side: int = CARD_SIDE) -> bytes:
        """A photo as JPEG, at most ``side`` pixels wide and high, upright; made again only when the file has changed.

        Raises:
            PhotoError: The photo is gone, lies elsewhere or cannot be decoded; the message is the reason.
        """
        self._check_place(file)
        place = os.path.relpath(file.parent, self.folder) if isinstance(file, Path) else str(file)
        facts = (file.name, place, *version_of(file))
        kept = self.folder / hashlib.sha256(repr((*facts, side)).encode("utf-8", "surrogateescape")).hexdigest()[:40]
        return self._read(kept) or self._make(file, kept, side)

    def of_all(self, files: Sequence[PhotoFile], side: int = CARD_SIDE) -> list[bytes | PhotoError]:
        """Those of several photos, a few decoded at the same time; the error of each that has none."""
        with ThreadPoolExecutor(_DECODERS) as pool:
            return list(pool.map(lambda file: self._of_or_error(file, side), files))

    def _check_place(self, file: PhotoFile) -> None:
        """A path comes out of the gallery's database, which somebody may have tampered with."""
        if self._root is not None and isinstance(file, Path):  # an object never leads out of its bucket
            real = os.path.normpath if self._links else os.path.realpath
            if not Path(real(file)).is_relative_to(real(self._root)):
                raise PhotoError("lies outside the photo folder, and is not shown")

    def _of_or_error(self, file: PhotoFile, side: int) -> bytes | PhotoError:
        try:
            return self.of(file, side)
        except PhotoError as error:
            return error

    def _read(self, kept: Path) -> bytes | None:
        try:
            if time.time() - kept.stat().st_mtime > _NOTED_ANEW_S:
                os.utime(kept)
            jpeg = kept.read_bytes()
        except OSError:
            return None
        return jpeg if jpeg.startswith(_JPEG_START) and jpeg.endswith(_JPEG_END) else None

    def _make(self, file: PhotoFile, kept: Path, side: int) -> bytes:
        jpeg = shrink(read_photo(file), side)
        partial = kept.with_name(f"{kept.name}.{os.getpid()}.{threading.get_ident()}.partial")
        try:
            self.folder.mkdir(exist_ok=True)
            partial.write_bytes(jpeg)  # not synced: what a crash cuts off has no end, and is made again
            partial.replace(kept)
            self._count(len(jpeg))
        except OSError as error:
            _log.info("%s: thumbnails are not kept: %s", self.folder, error)
        return jpeg

    def _count(self, more: int) -> None:
        with self._lock:
            self._bytes = sum(size for _, size, _ in self._listed()) if self._bytes is None else self._bytes + more
            if self._bytes > self._max_bytes:
                self._bytes = self._tidy()

    def _listed(self) -> list[tuple[float, int, Path]]:
        """Time of last use, bytes and path of every file."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except OSError:  # another process has removed it
                    continue
                found.append((status.st_mtime, status.st_size, Path(entry.path)))
        return found

    def _tidy(self) -> int:
        """Remove the oldest; tells how many bytes are left."""
        files = sorted(self._listed())
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= self._max_bytes * _LEFT:
                break
            path.unlink(missing_ok=True)
            left -= size
        return left
