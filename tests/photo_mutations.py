"""Small valid photos of every format, and seeded ways to damage them."""

from __future__ import annotations

import io
import struct
from functools import cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw, features

import raw_files
from photoseek.photos import formats
from photoseek.photos.jpeg_xl import register_jpeg_xl


@cache
def seeds() -> dict[str, bytes]:
    """Return a photo of a few hundred bytes in each format and mode that this build decodes."""
    picture = _picture()
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2024:05:17 10:11:12"
    grey = Image.fromarray(np.linspace(0, 65535, 256).reshape(16, 16).astype(np.uint16))
    frames = {"save_all": True, "append_images": [picture.transpose(Image.Transpose.ROTATE_180)]}
    made = {
        "jpeg": _saved(picture, "JPEG", exif=exif),
        "jpeg-progressive": _saved(picture, "JPEG", progressive=True),
        "jpeg-cmyk": _saved(picture.convert("CMYK"), "JPEG"),
        "mpo": _saved(picture, "MPO", **frames),
        "png": _saved(picture, "PNG", exif=exif),
        "png-palette": _saved(picture.quantize(8), "PNG", transparency=1),
        "png-16": _saved(grey, "PNG"),
        "gif": _saved(picture, "GIF", **frames),
        "tiff": _saved(picture, "TIFF", exif=exif),
        "tiff-lzw": _saved(picture, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": _saved(picture, "TIFF", compression="jpeg"),
        "tiff-16": _saved(grey, "TIFF"),
        "tiff-float": _saved(grey.convert("F"), "TIFF"),
        "tiff-tiled": tiled_tiff(),
        "bmp": _saved(picture, "BMP"),
        "bmp-palette": _saved(picture.quantize(8), "BMP"),
        "ppm": _saved(picture, "PPM"),
        "pgm-plain": b"P2\n# a comment\n4 3\n255\n" + b" ".join(b"%d" % (20 * n) for n in range(12)) + b"\n",
    }
    if features.check("webp"):
        made |= {
            "webp": _saved(picture, "WEBP", exif=exif),
            "webp-lossless": _saved(picture.convert("RGBA"), "WEBP", lossless=True),
            "webp-animated": _saved(picture, "WEBP", **frames),
        }
    if features.check("avif"):
        made["avif"] = _saved(picture, "AVIF")
    if formats.can_decode_heif():
        formats.register_heif()
        made["heif"] = _saved(picture, "HEIF")
    if features.check("jpg_2000"):
        made["jp2"] = _saved(picture, "JPEG2000", irreversible=True)
    if formats.has_extra("jxl"):
        register_jpeg_xl()
        made["jxl"] = _saved(picture, "JXL")
    return made


def raw_seeds() -> dict[str, bytes]:
    """Return raw files; apart from ``seeds``, because LibRaw prints about damaged ones."""
    preview = raw_files.jpeg((32, 24), (200, 60, 40))
    return {"dng": raw_files.dng((64, 48), preview), "dng-without-preview": raw_files.dng((64, 48))}


def mutated(data: bytes, random: Random, other: bytes = b"") -> bytes:
    """Return a photo damaged in one to four ways, with pieces of ``other``."""
    content = bytearray(data)
    for _ in range(random.randint(1, 4)):
        random.choice(_WAYS)(content, random, other)
    return bytes(content)


def _flip(content: bytearray, random: Random, _: bytes) -> None:
    if content:
        content[_place(content, random)] ^= 1 << random.randrange(8)


def _byte(content: bytearray, random: Random, _: bytes) -> None:
    if content:
        content[_place(content, random)] = random.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, random.randrange(256)))


def _cut(content: bytearray, random: Random, _: bytes) -> None:
    del content[random.randint(0, len(content)) :]


def _remove(content: bytearray, random: Random, _: bytes) -> None:
    start = _place(content, random)
    del content[start : start + random.randint(1, 32)]


def _repeat(content: bytearray, random: Random, _: bytes) -> None:
    start = _place(content, random)
    content[start:start] = content[start : start + random.randint(1, 64)] * random.randint(1, 8)


def _splice(content: bytearray, random: Random, other: bytes) -> None:
    start, source = _place(content, random), random.randint(0, len(other))
    length = random.randint(1, 200)
    content[start : start + length] = other[source : source + length]


def _length(content: bytearray, random: Random, _: bytes) -> None:
    """Overwrite an integer of two or four bytes, such as a length, size, count or offset."""
    form = random.choice(("<H", ">H", "<I", ">I"))
    most = 2 ** (8 * struct.calcsize(form)) - 1
    value = random.choice((0, 1, 2, 255, 256, 0x7FFF, 0x8000, most >> 1, (most >> 1) + 1, most - 1, most))
    start = _place(content, random)
    content[start : start + struct.calcsize(form)] = struct.pack(form, min(value, most))


_WAYS = (_flip, _byte, _byte, _cut, _remove, _repeat, _splice, _length, _length)


def _place(content: bytearray, random: Random) -> int:
    """Return a position, half of the time near the start, where headers are."""
    most = max(0, len(content) - 1)
    return random.randint(0, min(most, 64) if random.random() < 0.5 else most)


def _picture() -> Image.Image:
    picture = Image.new("RGB", (16, 12), (200, 60, 40))
    ImageDraw.Draw(picture).ellipse((3, 2, 11, 9), fill=(20, 90, 220))
    return picture


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)  # type: ignore[arg-type]
    return file.getvalue()


def tiled_tiff(width: int = 16, height: int = 16, tile: tuple[int, int] = (16, 16)) -> bytes:
    """Return a gray TIFF of one deflated tile, which Pillow does not write."""
    import zlib

    data = zlib.compress(bytes(range(256)))
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    tags += [(322, 4, 1, tile[0]), (323, 4, 1, tile[1]), (324, 4, 1, 8 + 2 + 12 * 10 + 4), (325, 4, 1, len(data))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data
