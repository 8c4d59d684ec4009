"""Photo bytes -> an upright 8-bit RGB picture, whatever the file holds."""

from __future__ import annotations

import io
import re
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from photoseek.errors import PhotoError

PhotoSource: TypeAlias = str | Path | bytes | Image.Image
"""A path, the bytes of a file, or an open picture."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM")
"""The formats that are decoded; Pillow knows more, among them some that run other programs (EPS)."""

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".ppm")
)
"""File name endings, in lower case, that a scan of a folder takes for photos."""

MAX_PIXELS = 150_000_000
"""A larger picture is refused before it is decoded: 150 MP are 450 MB as RGB."""

_BACKGROUND = (255, 255, 255)  # what shows through transparent pixels
_SCALED = ("JPEG", "MPO")  # formats whose decoder scales
_LYING = (5, 6, 7, 8)  # EXIF orientations that change places of width and height
_SHOT_AT = ExifTags.Base.DateTimeOriginal
_EXIF_DATE = re.compile(r"([12]\d{3}):([01]\d):([0-3]\d) ([0-2]\d:[0-5]\d:[0-6]\d)", re.ASCII)
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")


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


def open_photo(source: PhotoSource) -> Image.Image:
    """Decode a photo: first frame, EXIF orientation applied, 8-bit RGB.

    16-bit greys are scaled to 8 bits, transparent pixels show white behind them, CMYK is converted without
    its colour profile.

    Raises:
        PhotoError: The file cannot be read, is of no known format, is damaged, or has over ``MAX_PIXELS``.
    """
    return decode_photo(source).image


def decode_photo(source: PhotoSource, edge: int | None = None) -> Photo:
    """As :func:`open_photo`, but a JPEG is decoded no larger than it needs to be.

    A JPEG is stored as waves of 8 x 8 pixels, from which the decoder makes an eighth, a quarter or half of the size for
    a fraction of the work: of a photo of 12 megapixels most is never computed.

    Args:
        source: What to decode.
        edge: The shorter side that is needed, in pixels; the picture is never smaller, unless the photo is. None: all.

    Raises:
        PhotoError: As :func:`open_photo`.
    """
    try:
        if isinstance(source, Image.Image):
            return _upright(source)
        data = source if isinstance(source, bytes) else read_photo(Path(source))
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            return _upright(image, edge)
    except (PhotoError, MemoryError):  # for want of memory now, nothing is said of the photo
        raise
    except Exception as error:  # Pillow's decoders raise nearly every class there is on damaged files
        raise PhotoError(_reason(error)) from error


def read_photo(path: Path) -> bytes:
    """The bytes of a regular file: a FIFO or a device would hang its reader.

    Raises:
        PhotoError: No such file, not a regular one, or not readable.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PhotoError("not a regular file")
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error


def photo_format(path: Path) -> str:
    """The format of a photo by its content, one of ``FORMATS`` or MPO; nothing is decoded.

    Raises:
        PhotoError: The file cannot be read, or is of no known format.
    """
    try:
        with Image.open(path, formats=_formats()) as image:
            return str(image.format)
    except Exception as error:  # Pillow's decoders raise nearly every class there is on damaged files
        raise PhotoError(_reason(error)) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode as 8-bit RGB."""
    if image.mode == "RGB":
        return image
    if image.mode in _SIXTEEN_BIT or image.mode == "F":
        return _eight_bits(image).convert("RGB")
    if image.mode in ("RGBa", "La"):  # premultiplied alpha
        image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, _BACKGROUND), layer).convert("RGB")
    return image.convert("RGB")


@cache
def _formats() -> tuple[str, ...]:
    """Those of ``FORMATS`` that this build of Pillow has."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _upright(image: Image.Image, edge: int | None = None) -> Photo:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PhotoError(f"{width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million are decoded")
    if edge is not None and image.format in _SCALED:
        image.draft(None, (edge, edge))
    shrunk = image.size != (width, height)
    image.load()
    try:
        turned = ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF never costs the photo
        turned = image
    if not shrunk:
        width, height = turned.size
    elif turned is not image and image.getexif().get(ExifTags.Base.Orientation, 1) in _LYING:
        width, height = height, width
    return Photo(to_rgb(turned), width, height, _taken(image))


def date_of(path: Path) -> str:
    """When a photo was taken, as ``Photo.taken``, from its header alone; empty also where it cannot be read."""
    try:
        with Image.open(path, formats=_formats()) as image:
            return _taken(image)
    except Exception:  # as in decode_photo: whatever is wrong with it, there is no date
        return ""


def _taken(image: Image.Image) -> str:
    """EXIF's DateTimeOriginal, or else DateTime, of which the former is the moment of the shot."""
    try:
        exif = image.getexif()
        for value in (exif.get_ifd(ExifTags.IFD.Exif).get(_SHOT_AT), exif.get(ExifTags.Base.DateTime)):
            if isinstance(value, str) and (found := _EXIF_DATE.match(value)):
                return "{}-{}-{} {}".format(*found.groups())
    except Exception:  # damaged EXIF never costs the photo
        pass
    return ""


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values of 16 bits (0..65535) or floats (0..1, or 0..255) scaled to 0..255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    if image.mode == "F":
        values = values * 255.0 if values.max(initial=0.0) <= 1.0 else values
    elif image.mode != "I" or values.max(initial=0.0) > 255:
        values = values / 257.0
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a photo of a known format (" + ", ".join(FORMATS) + ")"
    if isinstance(error, Image.DecompressionBombError):  # what Pillow itself refuses to open
        return f"too many pixels; at most {MAX_PIXELS // 1_000_000} million are decoded"
    text = " ".join(str(error).split())[:200]
    return f"damaged: {text or type(error).__name__}"
