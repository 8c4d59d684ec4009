"""Open pictures of every format whose decoder belongs to Pillow; their pixels are not decoded yet."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from photoseek.errors import PhotoError
from photoseek.photos import formats, jpeg_xl, raw
from photoseek.photos.formats import FORMATS, check_bytes, check_pixels, require_extra, require_heif_extra

_JPEG = b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*")
_BANDS, _BITS, _SAMPLE_FORMAT = 277, 258, 339  # TIFF's SamplesPerPixel, BitsPerSample and SampleFormat
_TILE_SIDES = (322, 323)  # TIFF's TileWidth and TileLength
_WEBP_SIDE = 16_383  # maximum side of a WebP frame; an animation's canvas of 8 million x 12 takes a minute


def open_image(file: BinaryIO, head: bytes, size: int, max_pixels: int | None = None) -> Image.Image:
    """Return a picture whose pixels are not decoded yet, except those of JPEG XL, whose size is checked.

    Args:
        file: The file.
        head: Its first ``SNIFF_BYTES``.
        size: Its size in bytes.
        max_pixels: See ``decode_photo``.

    Raises:
        PhotoError: It is too large, or of a format whose extra is missing.
    """
    check_bytes(size)
    require_heif_extra(head)
    if jpeg_xl.is_jpeg_xl(head):
        return _open_jpeg_xl(file, max_pixels)
    if raw.is_other_than_tiff(head):
        require_extra("raw", "a raw photo")
    file.seek(0)
    if head.startswith(_JPEG):
        return open_jpeg(file)
    try:
        return _open(file, _formats(formats.is_heif(head)), max_pixels)
    except UnidentifiedImageError:
        if head.startswith(_TIFF):
            raise PhotoError(_why_no_tiff(file)) from None
        raise


def open_jpeg(file: BinaryIO) -> Image.Image:
    """Return a JPEG; ``Image.open`` refuses 179 megapixels, at whatever size they are decoded."""
    from PIL.JpegImagePlugin import jpeg_factory  # takes 10 ms, and a text query decodes nothing

    return jpeg_factory(file)


def check_extent(image: Image.Image, max_pixels: int | None = None) -> None:
    """Refuse large allocations in addition to the picture: a TIFF of one pixel may have a tile of gigabytes.

    Raises:
        PhotoError: It would make one.
    """
    if image.format == "WEBP" and max(image.size) > _WEBP_SIDE:
        raise PhotoError(f"{image.width} x {image.height} pixels; WebP has at most {_WEBP_SIDE} a side")
    tags = getattr(image, "tag_v2", {})
    width, height = (tags.get(side, 0) for side in _TILE_SIDES)
    if isinstance(width, int) and isinstance(height, int):
        check_pixels(width, height, max_pixels)


def load_plugins() -> None:
    """Import Pillow's plugins; call this before threads decode.

    An import that runs out of memory may leave a lock of Python's import system, for which other threads would wait
    forever.
    """
    _formats(heif=False)


def _open(file: BinaryIO, known: tuple[str, ...], max_pixels: int | None) -> Image.Image:
    try:
        return Image.open(file, formats=known)
    except Image.DecompressionBombError:  # above Pillow's own limit
        if max_pixels is None or max_pixels <= formats.MAX_PIXELS:
            raise
    file.seek(0)
    head = file.read(16)
    for name in known:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(head):
            file.seek(0)
            return factory(file, "")
    raise UnidentifiedImageError


def _open_jpeg_xl(file: BinaryIO, max_pixels: int | None) -> Image.Image:
    require_extra("jxl", "a JPEG XL photo")
    check_pixels(*jpeg_xl.jpeg_xl_size(file), max_pixels)
    jpeg_xl.register_jpeg_xl()
    file.seek(0)
    try:
        return Image.open(file, formats=(jpeg_xl.FORMAT,))
    except RuntimeError:  # its message is about builds of libjxl
        raise PhotoError("damaged: libjxl cannot decode it") from None


def _why_no_tiff(file: BinaryIO) -> str:
    """Return what a TIFF is that Pillow has no mode for, such as the measurements of a satellite."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file.seek(0)
    header = ImageFileDirectory_v2(file.read(8))
    file.seek(header.next)
    expected = int.from_bytes(file.read(2), "little" if header.prefix == b"II" else "big")
    file.seek(header.next)
    header.load(file)
    if not expected or len(header) < expected:
        return "damaged: the directory of a TIFF, which may be at the end of the file, is missing or cut off"
    bands = header.get(_BANDS, 1)
    bits, kind = (str((header.get(tag) or (1,))[0]) for tag in (_BITS, _SAMPLE_FORMAT))
    kind = {"2": "signed ", "3": "floating-point "}.get(kind, "")
    return f"a TIFF with bands of {bits} {kind}bits, {bands} of them; expected gray or RGB: convert it"


@cache
def _formats(heif: bool) -> tuple[str, ...]:
    """Return the ``FORMATS`` that this build of Pillow supports, with HEIF if requested."""
    Image.init()
    if heif:
        formats.register_heif()
    return tuple(name for name in (*FORMATS, *([formats.HEIF_FORMAT] if heif else [])) if name in Image.OPEN)
