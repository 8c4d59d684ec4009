"""Photo bytes -> an upright 8-bit RGB picture, whatever the file holds."""

from __future__ import annotations

import io
import os
import re
import stat
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeAlias

from PIL import ExifTags, Image, UnidentifiedImageError

from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.photos import formats
from photoseek.photos.formats import FORMATS, MAX_BYTES, MAX_PIXELS
from photoseek.photos.photo_file import PhotoFile, StoredPhoto
from photoseek.photos.pillow_warnings import suppress_pillow_warnings
from photoseek.photos.rgb import to_rgb

PhotoInput: TypeAlias = str | Path | bytes | bytearray | memoryview | Image.Image | StoredPhoto
"""A path, the bytes of a file, an open picture, or a photo in object storage (``Hit.file``).
"""

LARGE = 50_000_000
"""Pixels above which pictures are decoded one at a time, and averaged down before they are kept."""

_SCALED = ("JPEG", "MPO")  # formats whose decoder scales
_TURNS = {  # by EXIF orientation, as ImageOps.exif_transpose has it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ROTATED_90 = (5, 6, 7, 8)  # EXIF orientations that change places of width and height
_TILE_SIDES = (322, 323)  # TIFF's TileWidth and TileLength
_WEBP_SIDE = 16_383  # pixels that a frame of WebP has at most; an animation's canvas of 8 million x 12 takes a minute
_DATETIME_ORIGINAL = ExifTags.Base.DateTimeOriginal
_EXIF_DATE = re.compile(r"([12]\d{3}):([01]\d):([0-3]\d) ([0-2]\d:[0-5]\d:[0-6]\d)", re.ASCII)
_large_decode_lock = threading.Lock()


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        image: Upright, 8-bit RGB; smaller than the photo where less was asked for.
        width: Of the upright photo in full, in pixels.
        height: Of the upright photo in full, in pixels.
        taken: ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; empty where the photo does not tell.
    """

    image: Image.Image
    width: int
    height: int
    taken: str = ""


def open_photo(source: PhotoInput) -> Image.Image:
    """Decode a photo: first frame, EXIF orientation applied, 8-bit RGB.

    16-bit greys are scaled to 8 bits, transparent pixels show white behind them, CMYK is converted without
    its colour profile.

    Raises:
        PhotoError: The file cannot be read, is of no known format, is damaged, or has over ``MAX_PIXELS`` or
            ``MAX_BYTES``.
    """
    return decode_photo(source).image


def decode_photo(source: PhotoInput, edge: int | None = None, large: int = LARGE) -> Photo:
    """As ``open_photo``, but decoded no larger than needed, where that spares much.

    A JPEG is stored as waves of 8 x 8 pixels, from which the decoder makes an eighth, a quarter or half of the size for
    a fraction of the work: of a photo of 12 megapixels most is never computed. Of other formats very large pictures are
    averaged down, so that a few of them don't fill the memory.

    Args:
        source: What to decode.
        edge: The shorter side that is needed, in pixels; the picture is never smaller, unless the photo is. None: all.
        large: See ``LARGE``.

    Raises:
        PhotoError: As ``open_photo``.
        PhotoUnreachable: Pillow found too little memory for it.
    """
    try:
        with suppress_pillow_warnings():
            if isinstance(source, Image.Image):
                return _apply_orientation(source, None, large)
            data = _bytes_of(source)
            with _opened(io.BytesIO(data), data[: formats.SNIFF_BYTES], len(data)) as image:
                return _apply_orientation(image, edge, large)
    except (PhotoError, MemoryError):  # for want of memory now, nothing is said of the photo
        raise
    except Exception as error:  # Pillow's decoders raise nearly every class there is on damaged files
        if "out of memory" in str(error):  # Pillow's own word for it, in an OSError
            raise PhotoUnreachable("not enough memory to decode it now") from error
        raise PhotoError(_reason(error)) from error


def read_photo(path: PhotoFile) -> bytes:
    """The bytes of a regular file of at most ``MAX_BYTES``: a FIFO or a device would hang its reader.

    Those of a photo in object storage are fetched from there.

    Raises:
        PhotoError: No such file, not a regular one, too large, not readable, or of a format whose extra is missing.
    """
    if not isinstance(path, Path):
        return path.read_bytes()
    try:
        with _check_regular_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            check_bytes(size)
            require_heif_extra(file.read(formats.SNIFF_BYTES))
            file.seek(0)
            data = file.read(size + 1)  # as much memory as it takes, and not as much as it may take
            if len(data) > size:  # it has grown since
                data += file.read(MAX_BYTES + 1 - len(data))
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error
    check_bytes(len(data))
    return data


def photo_format(path: PhotoFile) -> str:
    """The format of a photo by its content, one of ``FORMATS``, MPO or HEIF; nothing is decoded.

    Raises:
        PhotoError: The file cannot be read, or is of no known format.
    """
    try:
        with suppress_pillow_warnings(), _check_regular_file(path) as file, _header(file) as image:
            return str(image.format)
    except PhotoError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly every class there is on damaged files
        raise PhotoError(_reason(error)) from error


def exif_date(path: PhotoFile) -> str:
    """When a photo was taken, as ``Photo.taken``, from its header alone; empty also where it cannot be read."""
    try:
        with suppress_pillow_warnings(), _check_regular_file(path) as file, _header(file) as image:
            return _taken(image)
    except Exception:  # as in decode_photo: whatever is wrong with it, there is no date
        return ""


def _check_regular_file(path: PhotoFile) -> BinaryIO:
    """Open a regular file; what has become a FIFO since it was looked at is not waited for."""
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
    head = file.read(formats.SNIFF_BYTES)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return _opened(file, head, size)


def _opened(file: BinaryIO, head: bytes, size: int) -> Image.Image:
    """A picture of which no pixel is decoded yet."""
    check_bytes(size)
    require_heif_extra(head)
    return Image.open(file, formats=_formats(formats.is_heif(head)))


def _bytes_of(source: object) -> bytes:
    if isinstance(source, str | Path):
        return read_photo(Path(source))
    if isinstance(source, StoredPhoto):
        return source.read_bytes()
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    raise PhotoError(f"expected a path, the bytes of a file or an open picture, found {type(source).__name__}")


def check_bytes(size: int) -> None:
    """Refuse a file that is too large.

    Raises:
        PhotoError: It has over ``MAX_BYTES``.
    """
    if size > MAX_BYTES:
        raise PhotoError(f"a file of {size / 1e6:,.0f} MB; at most {MAX_BYTES // 1_000_000} MB are read")


def require_heif_extra(head: bytes) -> None:
    """Refuse a file, by its beginning, that nothing here can decode.

    Raises:
        PhotoError: It is of a format whose extra is missing.
    """
    if formats.is_heif(head[: formats.SNIFF_BYTES]) and not formats.can_decode():
        raise PhotoError(formats.INSTALL_HINT)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PhotoError(f"{width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million are decoded")


@cache
def _formats(heic: bool = False) -> tuple[str, ...]:
    """Those of ``FORMATS`` that this build of Pillow has, and HEIF where it is asked for."""
    Image.init()
    if heic:
        formats.register()
    return tuple(name for name in (*FORMATS, *([formats.HEIF_FORMAT] if heic else [])) if name in Image.OPEN)


def _apply_orientation(image: Image.Image, edge: int | None, large: int) -> Photo:
    width, height = image.size
    _check_pixels(width, height)
    _check_extent(image)
    if edge is not None and image.format in _SCALED:
        image.draft(None, (edge, edge))
    with (
        _large_decode_lock if image.width * image.height > large else nullcontext()
    ):  # each takes over a gigabyte on its way
        image.load()
        orientation = _orientation(image)
        picture = _box_downscale(to_rgb(image), edge, large)
        if orientation in _TURNS:
            picture = picture.transpose(_TURNS[orientation])
        elif picture is image:
            picture = image.copy()
    if orientation in _ROTATED_90:
        width, height = height, width
    return Photo(picture, width, height, _taken(image))


def _box_downscale(picture: Image.Image, edge: int | None, large: int) -> Image.Image:
    """A large picture with blocks of pixels averaged to one, its shorter side still twice as long as needed."""
    factor = min(picture.size) // (2 * edge) if edge is not None else 1
    return picture.reduce(factor) if factor > 1 and picture.width * picture.height > large else picture


def _check_extent(image: Image.Image) -> None:
    """What some formats can ask for beyond their pixels: a TIFF of one pixel may have a tile of gigabytes."""
    if image.format == "WEBP" and max(image.size) > _WEBP_SIDE:
        raise PhotoError(f"{image.width} x {image.height} pixels; WebP has at most {_WEBP_SIDE} a side")
    tags = getattr(image, "tag_v2", {})
    width, height = (tags.get(side, 0) for side in _TILE_SIDES)
    if isinstance(width, int) and isinstance(height, int):
        _check_pixels(width, height)


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF never costs the photo
        return 1
    return found if isinstance(found, int) else 1


def _taken(image: Image.Image) -> str:
    """EXIF's DateTimeOriginal, or else DateTime, of which the former is the moment of the shot."""
    try:
        exif = image.getexif()
        for value in (exif.get_ifd(ExifTags.IFD.Exif).get(_DATETIME_ORIGINAL), exif.get(ExifTags.Base.DateTime)):
            if isinstance(value, str) and (found := _EXIF_DATE.match(value)):
                return "{}-{}-{} {}".format(*found.groups())
    except Exception:  # damaged EXIF never costs the photo
        pass
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a photo of a known format (" + ", ".join(FORMATS) + ")"
    if isinstance(error, Image.DecompressionBombError):  # what Pillow itself refuses to open
        return f"too many pixels; at most {MAX_PIXELS // 1_000_000} million are decoded"
    text = " ".join(str(error).split())[:200]
    return f"damaged: {text or type(error).__name__}"
