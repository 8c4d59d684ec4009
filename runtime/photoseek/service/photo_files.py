"""Which file an id stands for: a photo of the gallery, inside the photo folder, or none."""

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

_AS_JPEG = {"MPO": "image/jpeg"}  # several JPEGs in a row, of which every browser shows the first


@dataclass(frozen=True)
class PhotoContent:
    """The file of a photo, as it was found just now.

    Attributes:
        file: Its real path, or the object that it is; it never leaves the server.
        name: How a browser may call it when it is kept.
        version: When it was changed, in nanoseconds, and its size.
        status: Of a file.
    """

    file: PhotoFile
    name: str
    version: tuple[int, int]
    status: os.stat_result | None = None

    def etag(self, kind: str = "") -> str:
        """What changes when the file does; ``kind`` tells its representations apart."""
        mtime_ns, size = self.version
        return f'"{mtime_ns:x}-{size:x}{kind}"'

    def media_type(self) -> str:
        """By the content: a file that has come to hold something else is never served under a photo's name.

        Raises:
            Refusal: 404, it is no photo any more.
        """
        try:
            found = photo_format(self.file)
        except PhotoUnreachable as error:
            raise service_unavailable(error) from error
        except PhotoError as error:
            raise ApiError(404, "photo_gone", "the file of this photo is no photo any more") from error
        return _AS_JPEG.get(found) or Image.MIME[found]


def original(searcher: Searcher, photo: int) -> PhotoContent:
    """The file of a photo.

    Raises:
        Refusal: 404, there is no such photo, its file is gone, or it is a link that leads out of the photo folder; 503,
            the storage with it cannot be reached.
    """
    stored = searcher.gallery.database.photos([photo], searcher.bundle.fingerprint).get(photo)
    if stored is None:
        raise ApiError(404, "not_found", f"no photo {photo} in this gallery")
    source = searcher.gallery.photo_folder
    if isinstance(source, LocalSource):
        return _file(source.root, stored.path, photo)
    return _object(source.photo_file(stored.path))


def _object(photo: PhotoFile) -> PhotoContent:
    try:
        return PhotoContent(photo, photo.name, cache_key(photo))
    except PhotoUnreachable as error:
        raise service_unavailable(error) from error
    except PhotoError as error:
        raise ApiError(404, "photo_gone", "the file of this photo is gone") from error


def _file(root: Path, path: str, photo: int) -> PhotoContent:
    try:
        file = (root / encode_filename(path)).resolve(strict=True)
        inside = file.is_relative_to(root.resolve(strict=True)) and file.is_file()
        status = file.stat()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise ApiError(404, "photo_gone", "the file of this photo is gone") from error
    if not inside:
        _log.warning("photo %d: %s is not a file inside the photo folder; it is not served", photo, path)
        raise ApiError(404, "photo_gone", "the file of this photo lies elsewhere, and is not served")
    return PhotoContent(file, Path(path).name, (status.st_mtime_ns, status.st_size), status)
