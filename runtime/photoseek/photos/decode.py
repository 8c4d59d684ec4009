"""Photo files -> upright 8-bit RGB pictures."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeAlias

from PIL import ExifTags, Image, UnidentifiedImageError

from photoseek.errors import PhotoError, PhotoUnreachable
from photoseek.photos import formats
from photoseek.photos.dates import exif_taken
from photoseek.photos.formats import FORMATS, SNIFF_BYTES, check_bytes, check_pixels, require_heif_extra
from photoseek.photos.metadata import Metadata, metadata_of
from photoseek.photos.photo_file import PhotoFile, StoredPhoto
from photoseek.photos.pillow_warnings import suppress_pillow_warnings
from photoseek.photos.rgb import to_rgb

PhotoInput: TypeAlias = str | Path | bytes | bytearray | memoryview | Image.Image | StoredPhoto
"""A path, the bytes of a file, an open picture, or a photo in object storage (``Hit.file``)."""

LARGE = 50_000_000
"""Number of pixels above which pictures are decoded one at a time and downscaled before they are returned."""

_SCALED = ("JPEG", "MPO")  # formats whose decoder scales
_JPEG = b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*")
_BANDS, _BITS, _SAMPLE_FORMAT = 277, 258, 339  # TIFF's SamplesPerPixel, BitsPerSample and SampleFormat
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
_TILE_SIDES = (322, 323)  # TIFF's TileWidth and TileLength
_WEBP_SIDE = 16_383  # maximum side of a WebP frame; an animation's canvas of 8 million x 12 takes a minute
_large_decode_lock = threading.Lock()


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        image: Upright, 8-bit RGB; smaller than the photo if ``min_edge`` allowed it.
        width: Width of the upright photo at full size, in pixels.
        height: Height of the upright photo at full size, in pixels.
        taken: ``YYYY-MM-DD HH:MM:SS`` by the camera's clock; empty if the photo does not record it.
    """

    image: Image.Image
    width: int
    height: int
    taken: str = ""


def open_photo(source: PhotoInput) -> Image.Image:
    """Decode a photo: first frame, EXIF orientation applied, 8-bit RGB.

    16-bit grays are scaled to 8 bits, transparent pixels are drawn over white, CMYK is converted without its color
    profile.

    Raises:
        PhotoError: The file cannot be read, is of an unsupported format, is damaged, or has over ``MAX_PIXELS`` or
            ``MAX_BYTES``.
    """
    return decode_photo(source).image


def decode_photo(source: PhotoInput, min_edge: int | None = None, large: int = LARGE) -> Photo:
    """Decode a photo like ``open_photo``, at a smaller size if that saves much time or memory.

    A JPEG consists of the frequencies of blocks of 8 x 8 pixels, from which the decoder computes an eighth, a quarter
    or half of the size for a fraction of the work. Very large pictures of other formats are reduced by averaging, so
    that a few of them do not fill the memory.

    Args:
        source: The photo.
        min_edge: The returned picture's shorter side has at least this many pixels, unless the photo's has fewer. None:
            the picture has the size of the photo.
        large: See ``LARGE``.

    Raises:
        PhotoError: As ``open_photo``.
        PhotoUnreachable: Pillow ran out of memory.
    """
    with _photo_errors():
        if isinstance(source, Image.Image):
            return _to_upright_rgb(source, None, large)
        data = _bytes_of(source)
        with _opened(io.BytesIO(data), data[:SNIFF_BYTES], len(data)) as image:
            return _to_upright_rgb(image, min_edge, large)


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
    """Return the format of a photo by its content, one of ``FORMATS``, MPO or HEIF, without decoding it.

    Raises:
        PhotoError: The file cannot be read, or is of an unsupported format.
    """
    with _photo_errors(), _open_regular_file(path) as file, _header(file) as image:
        return str(image.format)


def exif_date(path: PhotoFile) -> str:
    """Return when a photo was taken, as ``Photo.taken``, from its header; empty also if it cannot be read."""
    try:
        with suppress_pillow_warnings(), _open_regular_file(path) as file, _header(file) as image:
            return exif_taken(image)
    except Exception:  # see _photo_errors
        return ""


def photo_metadata(data: bytes) -> Metadata:
    """Return the metadata of a photo besides its EXIF, from its header; none if it cannot be read."""
    try:
        with suppress_pillow_warnings(), _opened(io.BytesIO(data), data[:SNIFF_BYTES], len(data)) as image:
            return metadata_of(image)
    except MemoryError:
        raise
    except Exception:  # see _photo_errors
        return Metadata()


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
    file.seek(0)
    return _opened(file, head, size)


def _opened(file: BinaryIO, head: bytes, size: int) -> Image.Image:
    """Return a picture whose pixels are not decoded yet."""
    check_bytes(size)
    require_heif_extra(head)
    known = _formats(formats.is_heif(head))
    if head.startswith(_JPEG):
        from PIL.JpegImagePlugin import jpeg_factory  # takes 10 ms, and a text query decodes nothing

        file.seek(0)
        return jpeg_factory(file)  # Image.open refuses 179 megapixels, at whatever size they are decoded
    try:
        return Image.open(file, formats=known)
    except UnidentifiedImageError:
        if head.startswith(_TIFF):
            raise PhotoError(_why_no_tiff(file)) from None
        raise


def _why_no_tiff(file: BinaryIO) -> str:
    """Return what a TIFF is that Pillow has no mode for, such as the measurements of a satellite."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file.seek(0)
    header = ImageFileDirectory_v2(file.read(8))
    file.seek(header.next)
    header.load(file)
    bands = header.get(_BANDS, 1)
    bits, kind = (str((header.get(tag) or (1,))[0]) for tag in (_BITS, _SAMPLE_FORMAT))
    kind = {"2": "signed ", "3": "floating-point "}.get(kind, "")
    return f"a TIFF with bands of {bits} {kind}bits, {bands} of them; expected gray or RGB: convert it"


def _bytes_of(source: object) -> bytes:
    if isinstance(source, str | Path):
        return read_photo(Path(source))
    if isinstance(source, StoredPhoto):
        return source.read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    raise PhotoError(f"expected a path, the bytes of a file or an open picture, found {type(source).__name__}")


def load_plugins() -> None:
    """Import Pillow's plugins; call this before threads decode.

    An import that runs out of memory may leave a lock of Python's import system, for which other threads would wait
    forever.
    """
    _formats(heif=False)


@cache
def _formats(heif: bool) -> tuple[str, ...]:
    """Return the ``FORMATS`` that this build of Pillow supports, with HEIF if requested."""
    Image.init()
    if heif:
        formats.register_heif()
    return tuple(name for name in (*FORMATS, *([formats.HEIF_FORMAT] if heif else [])) if name in Image.OPEN)


def _to_upright_rgb(image: Image.Image, min_edge: int | None, large: int) -> Photo:
    width, height = image.size
    _check_extent(image)
    if min_edge is not None and image.format in _SCALED:
        image.draft(None, (min_edge, min_edge))
    if image.size != (width, height) and not image.info.get("progressive"):
        check_pixels(width, height, formats.MAX_JPEG_PIXELS)
        check_pixels(*image.size)
    else:
        check_pixels(width, height)
    # decoding one large picture takes over a gigabyte
    with _large_decode_lock if image.width * image.height > large else nullcontext():
        image.load()
        orientation = _orientation(image)
        picture = _box_downscale(to_rgb(image), min_edge, large)
        if orientation in _TRANSPOSES:
            picture = picture.transpose(_TRANSPOSES[orientation])
        elif picture is image:
            picture = image.copy()
    if orientation in _ROTATED_90:
        width, height = height, width
    return Photo(picture, width, height, exif_taken(image))


def _box_downscale(picture: Image.Image, min_edge: int | None, large: int) -> Image.Image:
    """Average blocks of pixels of a large picture; its shorter side stays at least twice as long as needed."""
    factor = min(picture.size) // (2 * min_edge) if min_edge is not None else 1
    return picture.reduce(factor) if factor > 1 and picture.width * picture.height > large else picture


def _check_extent(image: Image.Image) -> None:
    """Refuse large allocations in addition to the picture: a TIFF of one pixel may have a tile of gigabytes."""
    if image.format == "WEBP" and max(image.size) > _WEBP_SIDE:
        raise PhotoError(f"{image.width} x {image.height} pixels; WebP has at most {_WEBP_SIDE} a side")
    tags = getattr(image, "tag_v2", {})
    width, height = (tags.get(side, 0) for side in _TILE_SIDES)
    if isinstance(width, int) and isinstance(height, int):
        check_pixels(width, height)


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
        return f"too many pixels; at most {formats.MAX_PIXELS // 1_000_000} million are decoded"
    text = " ".join(str(error).split())[:200]
    return f"damaged: {text or type(error).__name__}"
