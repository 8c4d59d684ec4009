"""HEIC and HEIF, the photos of iPhones: decoded with the extra ``heic``, and without it refused with the cure."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM")
"""The formats that are decoded; Pillow knows more, among them some that run other programs (EPS)."""

MAX_PIXELS = 150_000_000
"""A larger picture is refused before it is decoded: Pillow keeps 150 MP of RGB in 600 MB."""

MAX_BYTES = 512_000_000
"""A larger file is refused before it is read: 150 MP without any compression are 450 MB."""

HEIF_FORMAT = "HEIF"
"""What Pillow calls it."""

HEIF_SUFFIXES = (".heic", ".heif", ".hif")
"""File name endings, in lower case."""

INSTALL_HINT = "a HEIC photo; to have it decoded: pip install 'photoseek[heic]'"
"""Why one is refused where the extra is not installed."""

SNIFF_BYTES = 12
"""Bytes at the start of a file that tell what it is."""

_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so is one: an ISO media file (ISO/IEC 14496-12) of a brand of ISO/IEC 23008-12."""
    return head[4:8] == b"ftyp" and head[8:SNIFF_BYTES] in _BRANDS


@cache
def can_decode() -> bool:
    """Whether the extra is installed."""
    return find_spec("pillow_heif") is not None


@cache
def register() -> None:
    """Have Pillow open such files; takes a twentieth of a second, and so is done for the first of them only."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".ppm")
) | frozenset(HEIF_SUFFIXES)
"""File name endings, in lower case, that a scan of a folder takes for photos.

Those of HEIC are among them without the extra, too: its photos are then named with the cure, and not passed over.
"""
