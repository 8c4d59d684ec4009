"""Photo files -> upright 8-bit RGB pictures."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

from PIL import ExifTags, Image, UnidentifiedImageError

from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.photos import formats, jpeg_xl, raw
from photoseek.photos.camera import camera_in_file, picture_with_exif
from photoseek.photos.dates import exif_taken
from photoseek.photos.formats import (
    FORMATS,
    SNIFF_BYTES,
    check_bytes,
    check_pixels,
    has_extra,
    require_heif_extra,
    too_many,
)
from photoseek.photos.incomplete import load_image
from photoseek.photos.jpeg_xl import is_jpeg_xl
from photoseek.photos.metadata import Metadata, keywords_of, metadata_of
from photoseek.photos.open_image import check_extent, open_image
from photoseek.photos.photo_file import PhotoFile, StoredPhoto
from photoseek.photos.pillow_warnings import suppress_pillow_warnings
from photoseek.photos.raw import is_raw, raw_picture
from photoseek.photos.rgb import to_rgb
from photoseek.photos.xmp_keywords import Keywords

PhotoInput: TypeAlias = str | Path | bytes | bytearray | memoryview | Image.Image | StoredPhoto
"""A path, the bytes of a file, an open picture, or a photo in object storage (``Hit.file``)."""

_T = TypeVar("_T")

LARGE = 50_000_000
"""Number of pixels above which pictures are decoded one at a time and downscaled before they are returned."""

_SCALED = ("JPEG", "MPO")  # formats whose decoder scales
_TRANSPOSES = {  # by EXIF orientation, as in ImageOps.exif_transpose
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ROTATED_90 = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_large_decode_lock = threading.Lock()


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        image: Upright, 8-bit RGB; smaller than the photo if ``min_edge`` allowed it.
        width: Width of the upright photo at full size, in pixels.
        height: Height of the upright photo at full size, in pixels.
        taken: ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; empty if the photo does not record it.
        incomplete: Whether its file ends early; ``image`` is then what can be shown of it, without the missing rows.
    """

    image: Image.Image
    width: int
    height: int
    taken: str = ""
    incomplete: bool = False


def open_photo(source: PhotoInput, *, partial: bool = True) -> Image.Image:
    """Decode a photo: first frame, EXIF orientation applied, 8-bit RGB.

    16-bit grays are scaled to 8 bits, transparent pixels are drawn over white, CMYK is converted without its color
    profile. Of a raw file, the embedded preview is returned if it is large enough.

    Args:
        source: The photo.
        partial: Whether to return what can be shown of a photo whose file ends early, see ``Photo.incomplete``.

    Raises:
        PhotoError: The file cannot be read, is of an unsupported format, is damaged, or has over ``MAX_PIXELS`` or
            ``MAX_BYTES``.
    """
    photo = decode_photo(source)
    if photo.incomplete and not partial:
        raise PhotoError("damaged: the file ends early")
    return photo.image


def decode_photo(
    source: PhotoInput, min_edge: int | None = None, large: int = LARGE, *, max_pixels: int | None = None
) -> Photo:
    """Decode a photo like ``open_photo``, at a smaller size if that saves much time or memory.

    A JPEG consists of the frequencies of blocks of 8 x 8 pixels, from which the decoder computes an eighth, a quarter
    or half of the size for a fraction of the work. Very large pictures of other formats are reduced by averaging, so
    that a few of them do not fill the memory.

    Args:
        source: The photo.
        min_edge: The returned picture's shorter side has at least this many pixels, unless the photo's has fewer. None:
            the picture has the size of the photo, and that of a raw file at least half of it.
        large: See ``LARGE``.
        max_pixels: Replaces ``MAX_PIXELS``.

    Raises:
        PhotoError: As ``open_photo``.
        PhotoUnreachable: Pillow ran out of memory.
    """
    limits = _Limits(min_edge, large, max_pixels)
    with _photo_errors():
        if isinstance(source, Image.Image):
            return _to_upright_rgb(source, None, replace(limits, min_edge=None))
        data = _bytes_of(source)
        if not data:
            raise PhotoError("the file is empty")
        if is_raw(io.BytesIO(data), data[:SNIFF_BYTES]) and has_extra("raw"):
            return _decode_raw(data, limits)
        return _decode(data, limits)


def read_photo(path: PhotoFile) -> bytes:
    """Return the content of a regular file, or of an object in storage, of at most ``MAX_BYTES``.

    A FIFO or a device, which would block its reader, is refused.

    Raises:
        PhotoError: No such file, not a regular one, too large, not readable, or of a format whose extra is missing.
    """
    if not isinstance(path, Path):
        return path.read_bytes()
    try:
        with _open_regular_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            check_bytes(size)
            require_heif_extra(file.read(SNIFF_BYTES))
            file.seek(0)
            data = file.read(size + 1)  # allocates the size of the file, not the limit
            if len(data) > size:  # it has grown meanwhile
                data += file.read(formats.MAX_BYTES + 1 - len(data))
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error
    check_bytes(len(data))
    return data


def read_bounded_file(path: Path, most: int) -> bytes | None:
    """Return the content of a regular file of at most ``most`` bytes; None if it is longer, or cannot be read."""
    try:
        with _open_regular_file(path) as file:
            data = file.read(most + 1)
    except (OSError, PhotoError, ValueError):
        return None
    return data if len(data) <= most else None


def photo_format(path: PhotoFile) -> str:
    """Return the format of a photo by its content, without decoding it.

    It is one of ``FORMATS``, MPO, HEIF, JXL or RAW.

    Raises:
        PhotoError: The file cannot be read, or is of an unsupported format.
    """
    with _photo_errors(), _open_regular_file(path) as file:
        head = file.read(SNIFF_BYTES)
        if is_jpeg_xl(head):
            return jpeg_xl.FORMAT
        if is_raw(file, head) and has_extra("raw"):
            return raw.FORMAT
        file.seek(0)
        with _header(file) as image:
            return str(image.format)


def exif_date(path: PhotoFile) -> str:
    """Return when a photo was taken, as ``Photo.taken``, from its header; empty also if it cannot be read."""
    try:
        with suppress_pillow_warnings(), _open_regular_file(path) as file, _header(file) as image:
            return exif_taken(image)
    except Exception:  # see _photo_errors
        return ""


def photo_metadata(data: bytes) -> Metadata:
    """Return the metadata of a photo besides its date by EXIF, from its header; none if it cannot be read."""
    found = _read_header(data, metadata_of) or Metadata()
    return found if found.camera else replace(found, camera=camera_in_file(data))


def photo_keywords(data: bytes) -> Keywords:
    """Return the lists of keywords in a photo; none if it cannot be read."""
    return _read_header(data, keywords_of) or {}


def _read_header(data: bytes, read: Callable[[Image.Image, bytes], _T]) -> _T | None:
    """Return what a function returns for an open photo and its content; None if it cannot be opened."""
    head = data[:SNIFF_BYTES]
    if is_jpeg_xl(head):  # would be decoded again, and Pillow's plugin returns no XMP
        return None
    try:
        with suppress_pillow_warnings(), open_image(io.BytesIO(data), head, len(data)) as image:
            return read(image, data)
    except MemoryError:
        raise
    except Exception:  # see _photo_errors
        return None


@contextmanager
def _photo_errors() -> Iterator[None]:
    """Raise errors of Pillow as ``PhotoError``; its decoders raise nearly every class on damaged files."""
    try:
        with suppress_pillow_warnings():
            yield
    except (PhotoError, MemoryError):
        raise
    except Exception as error:
        if "out of memory" in str(error):  # Pillow raises it as an OSError; it says nothing about the photo
            raise PhotoUnreachable("not enough memory to decode it now") from error
        raise PhotoError(_reason(error)) from error


def _open_regular_file(path: PhotoFile) -> BinaryIO:
    """Open a regular file without blocking on a FIFO that has replaced it."""
    if not isinstance(path, Path):
        return path.open()
    if not stat.S_ISREG(path.stat().st_mode):
        raise PhotoError("not a regular file")
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise PhotoError("not a regular file")
    return file


def _header(file: BinaryIO) -> Image.Image:
    head = file.read(SNIFF_BYTES)
    size = file.seek(0, os.SEEK_END)
    return open_image(file, head, size)


def _bytes_of(source: object) -> bytes:
    if isinstance(source, str | Path):
        return read_photo(Path(source))
    if isinstance(source, StoredPhoto):
        return source.read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    raise PhotoError(f"expected a path, the bytes of a file or an open picture, found {type(source).__name__}")


@dataclass(frozen=True)
class _Limits:
    """How large the picture of a photo is decoded; see ``decode_photo``."""

    min_edge: int | None
    large: int
    max_pixels: int | None

    def draft(self, image: Image.Image) -> None:
        """Select the size at which a JPEG is decoded."""
        if self.min_edge is not None and image.format in _SCALED:
            image.draft(None, (self.min_edge, self.min_edge))

    def check(self, image: Image.Image, size: tuple[int, int]) -> None:
        """Refuse a picture with too many pixels; ``size``: before ``draft``.

        Raises:
            PhotoError: It has too many.
        """
        if image.size != size and not image.info.get("progressive"):
            check_pixels(*size, max(formats.MAX_JPEG_PIXELS, self.max_pixels or 0))
            size = image.size
        check_pixels(*size, self.max_pixels)


def _decode(data: bytes, limits: _Limits) -> Photo:
    with open_image(io.BytesIO(data), data[:SNIFF_BYTES], len(data), limits.max_pixels) as image:
        return _to_upright_rgb(image, data, limits)


def _decode_raw(data: bytes, limits: _Limits) -> Photo:
    """Decode the picture in a raw file; width and height are those of the photo, not of a preview."""
    check_bytes(len(data))
    found = raw_picture(data, limits.min_edge, limits.max_pixels, _large_decode_lock)
    if isinstance(found.content, Image.Image):
        photo = _to_upright_rgb(found.content, None, limits)
    else:
        photo = _decode(found.content, limits)
    return replace(photo, width=found.width, height=found.height, taken=photo.taken or _raw_taken(data))


def _raw_taken(data: bytes) -> str:
    """Return the date of a raw file that is a TIFF, whose directories are those of EXIF."""
    return exif_taken(picture_with_exif(data))


def _to_upright_rgb(image: Image.Image, data: bytes | None, limits: _Limits) -> Photo:
    """Decode an open picture; ``data``: its file, or None if the picture must be complete."""
    width, height = size = image.size
    check_extent(image, limits.max_pixels)
    limits.draft(image)
    limits.check(image, size)
    # decoding one large picture takes over a gigabyte
    with _large_decode_lock if image.width * image.height > limits.large else nullcontext():
        loaded = load_image(image, data, height, limits.draft)
        orientation = _orientation(image)
        picture = _box_downscale(to_rgb(loaded.image), limits.min_edge, limits.large)
        if orientation in _TRANSPOSES:
            picture = picture.transpose(_TRANSPOSES[orientation])
        elif picture is image:
            picture = image.copy()
    if orientation in _ROTATED_90:
        width, height = height, width
    return Photo(picture, width, height, exif_taken(image), loaded.incomplete)


def _box_downscale(picture: Image.Image, min_edge: int | None, large: int) -> Image.Image:
    """Average blocks of pixels of a large picture; its shorter side stays at least twice as long as needed."""
    factor = min(picture.size) // (2 * min_edge) if min_edge is not None else 1
    return picture.reduce(factor) if factor > 1 and picture.width * picture.height > large else picture


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF does not make the photo unreadable
        return 1
    return found if isinstance(found, int) else 1


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a photo of a known format (" + ", ".join(FORMATS) + ")"
    if isinstance(error, Image.DecompressionBombError):  # Pillow's own limit
        return f"too many pixels; {too_many(formats.MAX_PIXELS)}"
    text = " ".join(str(error).split())[:200]
    return f"damaged: {text or type(error).__name__}"
