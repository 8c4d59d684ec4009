"""The photos of open galleries by URL: thumbnails, photos at their own size, and files to download.

A URL contains a random key of the open gallery and the id of a photo, so it gives access to photos of that gallery
only, and only to visitors whom the page has sent it to.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias
from weakref import WeakValueDictionary

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.gallery.albums import AlbumCopy, Albums
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.thumbnails import cache_key
from photoseek.page.exposure import has_absolute_path
from photoseek.page.thumbnail_cache import CARD_SIDE, FULL_SIDE, ThumbnailCache
from photoseek.page.token_store import TokenStore
from photoseek.photos.decode import photo_format
from photoseek.photos.open_image import load_plugins
from photoseek.photos.photo_file import PhotoFile
from photoseek.system.filenames import decode_filename
from photoseek.system.terminal import visible

_log = logging.getLogger(__name__)

Size: TypeAlias = Literal["card", "view", "full", "file"]
"""A thumbnail of a card or of the viewer, the photo at its own size, or its file as a download."""

FOLDER = "photo"
"""First part of the path of each URL, after the prefix of the page."""

_SIDES = {"card": CARD_SIDE, "view": FULL_SIDE}
_LARGEST_JPEG = 65_500
_SHOWN = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "AVIF"}  # by every browser; others are sent as JPEG
_AS_JPEG = {"MPO": "image/jpeg"}  # several JPEGs in a row; browsers show the first
_open: WeakValueDictionary[str, PhotoFiles] = WeakValueDictionary()


class PhotoFiles:
    """The photos of one open gallery; safe to share between threads. Its URLs work as long as the object exists."""

    def __init__(self, gallery: Gallery, fingerprint: str, thumbnails: ThumbnailCache, *, shared: bool) -> None:
        """Give a gallery a new key.

        Args:
            gallery: The gallery.
            fingerprint: Fingerprint of the bundle that searches it.
            thumbnails: Its thumbnails.
            shared: Whether other computers can reach the page. Their visitors receive no original file, because it
                may contain the place and the owner of the camera.
        """
        self._gallery, self._fingerprint, self._thumbnails, self._shared = gallery, fingerprint, thumbnails, shared
        self._key = secrets.token_urlsafe(12)
        self.downloads = TokenStore[tuple[int, ...]]()
        self.undo = TokenStore[AlbumCopy]()
        _open[self._key] = self

    @property
    def root(self) -> str:
        """The URL of all photos, relative to the page, to which an id or an action is appended."""
        return f"{FOLDER}/{self._key}/"

    def folder(self, photo: int) -> str:
        """Return the URL of a photo by its id, relative to the page, to which a ``Size`` is appended."""
        return f"{self.root}{photo}/"

    def find(self, photo: int) -> tuple[PhotoFile, str]:
        """Return the file of a photo, and its name.

        Raises:
            PhotoError: It is no longer in the gallery, or is outside the photo folder.
        """
        stored = self._gallery.database.photos([photo], self._fingerprint).get(photo)
        if stored is None:
            raise PhotoError("no longer in the gallery")
        file = self._gallery.photos.file_of(stored.path)
        self._thumbnails.check_root(file)
        return file, stored.path.rpartition("/")[2]

    @property
    def albums(self) -> Albums | None:
        """The albums of the gallery; None if other computers can reach the page."""
        return None if self._shared else self._gallery.albums

    def paths(self, photos: Sequence[int]) -> list[str]:
        """Return the paths of those of these photos that are still in the gallery, in their order."""
        found = self._gallery.database.contents_of(photos)
        return [found[photo][0] for photo in photos if photo in found]

    def file_paths(self, photos: Sequence[int]) -> list[str]:
        """Return the paths of the files of photos, for visitors on this computer."""
        files = map(self._gallery.photos.file_of, self.paths(photos))
        return [decode_filename(str(file)) for file in files]

    def path(self, photo: int) -> str:
        """Return the path of a photo in the photo folder, or its id if it is no longer in the gallery."""
        stored = self._gallery.database.photos([photo], self._fingerprint).get(photo)
        return str(photo) if stored is None else stored.path

    def version(self, file: PhotoFile, size: Size) -> str:
        """Return the ETag of a file at a size.

        Raises:
            PhotoError: It does not exist.
        """
        mtime_ns, size_bytes = cache_key(file)
        return f'"{mtime_ns:x}-{size_bytes:x}-{size}"'

    def original_type(self, file: PhotoFile, size: Size) -> str | None:
        """Return the media type if the original file is sent, or None if the photo is sent as a JPEG.

        Raises:
            PhotoError: The file is not a photo.
        """
        if self._shared or size in _SIDES:
            return None
        found = photo_format(file)
        if size == "full" and found not in _SHOWN:
            return None
        return _AS_JPEG.get(found) or Image.MIME.get(found, "application/octet-stream")

    @staticmethod
    def jpeg_name(name: str) -> str:
        """Return the name of a photo that is sent as a JPEG."""
        return f"{name.rpartition('.')[0] or name}.jpg"

    def jpeg(self, file: PhotoFile, size: Size) -> bytes:
        """Return a photo as an upright JPEG without metadata.

        Raises:
            PhotoError: The photo does not exist or cannot be decoded.
        """
        load_plugins()
        side = _SIDES.get(size)
        return self._thumbnails.thumbnail(file, side) if side else self._thumbnails.make(file, _LARGEST_JPEG)

    def is_missing(self, photo: int) -> bool:
        """Return whether a photo is no longer in the gallery, or its local file no longer exists."""
        stored = self._gallery.database.photos([photo], self._fingerprint).get(photo)
        return stored is None or is_missing(self._gallery.photos.file_of(stored.path))

    def public(self, reason: str) -> str:
        """Return why a photo cannot be shown, without absolute paths if the page is shared."""
        if self._shared and has_absolute_path(reason):
            _log.warning("not shown to visitors: %s", visible(reason))
            return ""
        return reason


def is_missing(file: PhotoFile) -> bool:
    """Return whether a local file no longer exists; a photo in object storage is never looked up."""
    return isinstance(file, Path) and not file.exists()


def photo_files(key: str) -> PhotoFiles | None:
    """Return the photos of an open gallery by the key in their URLs, or None."""
    return _open.get(key)
