"""The camera that took a photo: make and model by its EXIF."""

from __future__ import annotations

import io
import re

from PIL import ExifTags, Image

from photoseek.photos.formats import SNIFF_BYTES, has_extra
from photoseek.photos.jpeg_xl import is_jpeg_xl, jpeg_xl_exif
from photoseek.photos.pillow_warnings import suppress_pillow_warnings
from photoseek.photos.raw import is_other_than_tiff, is_raw, raw_preview
from photoseek.photos.xmp import lines, png_exif

_MAX_CHARACTERS = 100
_WORD = re.compile(r"[^\W_]+")


def exif_camera(image: Image.Image, data: bytes = b"") -> str:
    """Return the name of the camera by the EXIF of an open picture, which is not decoded; empty if it has none.

    Args:
        image: The picture.
        data: Its file: the EXIF of a PNG may follow the pixels.
    """
    try:
        if image.format == "PNG" and "exif" not in image.info and (found := png_exif(data)):
            image.info["exif"] = found
        exif = Image.Image.getexif(image)  # the method of PNG decodes the picture
        return camera_name(exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model))
    except Exception:  # damaged EXIF does not make the photo unreadable
        return ""


def camera_name(make: object, model: object) -> str:
    """Return make and model as one text, such as ``Apple iPhone 12``, without a make that the model repeats.

    ``Canon`` and ``Canon EOS R6`` are ``Canon EOS R6``, ``NIKON CORPORATION`` and ``NIKON D750`` are ``NIKON D750``.

    Args:
        make: The value of the EXIF tag; anything but a text is left out, as is what follows a NUL.
        model: Likewise.
    """
    make, model = _text(make), _text(model)
    words, first = {word.casefold() for word in _WORD.findall(make)}, _WORD.search(model)
    repeated = make.casefold() in model.casefold() or (first is not None and first[0].casefold() in words)
    return (model if repeated else f"{make} {model}")[:_MAX_CHARACTERS].strip()


def camera_in_file(data: bytes) -> str:
    """Return the camera of a JPEG XL or a raw file, which Pillow does not open without decoding; empty for others."""
    head = data[:SNIFF_BYTES]
    try:
        with suppress_pillow_warnings():
            if is_jpeg_xl(head):
                return exif_camera(picture_with_exif(jpeg_xl_exif(data)))
            if not is_raw(io.BytesIO(data), head):
                return ""
            if not is_other_than_tiff(head):
                return exif_camera(picture_with_exif(data))
            preview = raw_preview(data) if has_extra("raw") else None
            if preview is None:
                return ""
            with Image.open(io.BytesIO(preview), formats=("JPEG",)) as image:
                return exif_camera(image)
    except MemoryError:
        raise
    except Exception:  # damaged metadata does not make the photo unreadable
        return ""


def picture_with_exif(data: bytes) -> Image.Image:
    """Return a picture of one pixel with this EXIF, a TIFF structure such as a raw file."""
    picture = Image.new("L", (1, 1))
    picture.info["exif"] = b"Exif\0\0" + data
    return picture


def _text(value: object) -> str:
    """Return a value as one line; EXIF ends and pads texts with NULs and spaces."""
    return next(iter(lines([value.partition("\0")[0]])), "") if isinstance(value, str) else ""
