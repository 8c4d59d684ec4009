"""The file of a photo id: a photo of the gallery, inside the photo folder."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.gallery.thumbnails import cache_key
from photoseek.photos.decode import photo_format
from photoseek.photos.photo_file import PhotoFile
from photoseek.search.searcher import Searcher
from photoseek.service.errors import ApiError, service_unavailable
from photoseek.sources.local import LocalSource
from photoseek.system.filenames import encode_filename

_log = logging.getLogger(__name__)

_MEDIA_TYPES = {"MPO": "image/jpeg", "RAW": "image/x-dcraw", "JXL": "image/jxl"}
"""Those that Pillow does not know; an MPO is several JPEGs in a row, of which browsers show the first."""


@dataclass(frozen=True)
class PhotoContent:
    """The current file of a photo.

    Attributes:
        file: Its real path, or its object; never sent to clients.
        name: File name for downloads.
        version: Modification time in nanoseconds, and size.
        status: ``os.stat`` of a file, or None.
    """

    file: PhotoFile
    name: str
    version: tuple[int, int]
    status: os.stat_result | None = None

    def etag(self, suffix: str = "") -> str:
        """Return the ETag of the file, or with a suffix the one of a derived representation."""
        mtime_ns, size = self.version
        return f'"{mtime_ns:x}-{size:x}{suffix}"'

    def media_type(self) -> str:
        """Return the media type of the content: a file that is no longer a photo is never served as one.

        Raises:
            ApiError: 404, the file is no longer a photo; 503, its storage cannot be reached.
        """
        try:
            found = photo_format(self.file)
        except PhotoUnreachable as error:
            raise service_unavailable(error) from error
        except PhotoError as error:
            raise _missing("the file of this photo is no longer a photo") from error
        return _MEDIA_TYPES.get(found) or Image.MIME[found]


def find_photo(searcher: Searcher, photo: int) -> PhotoContent:
    """Return the file of a photo.

    Raises:
        ApiError: 404, there is no such photo, its file no longer exists, or it is a link that leads out of the photo
            folder; 503, its storage cannot be reached.
    """
    stored = searcher.gallery.database.photos([photo], searcher.bundle.fingerprint).get(photo)
    if stored is None:
        raise ApiError(404, "not_found", f"no photo {photo} in this gallery")
    source = searcher.gallery.photos.source
    if isinstance(source, LocalSource):
        return _file(source.root, stored.path, photo)
    return _object(source.photo_file(stored.path))


def _object(photo: PhotoFile) -> PhotoContent:
    try:
        return PhotoContent(photo, photo.name, cache_key(photo))
    except PhotoUnreachable as error:
        raise service_unavailable(error) from error
    except PhotoError as error:
        raise _missing("the file of this photo no longer exists") from error


def _file(root: Path, path: str, photo: int) -> PhotoContent:
    try:
        file = (root / encode_filename(path)).resolve(strict=True)
        inside = file.is_relative_to(root.resolve(strict=True)) and file.is_file()
        status = file.stat()
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise _missing("the file of this photo no longer exists") from error
    if not inside:
        _log.warning("photo %d: %s is not a file inside the photo folder; it is not served", photo, path)
        raise _missing("the file of this photo is outside the photo folder")
    return PhotoContent(file, Path(path).name, (status.st_mtime_ns, status.st_size), status)


def _missing(message: str) -> ApiError:
    return ApiError(404, "photo_missing", message)
