"""The formats and limits of photos, and the extras that some formats require."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from photoseek.errors import PhotoError, PhotoNeedsExtra

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM", "JPEG2000")
"""The formats that are decoded; Pillow has more, some of which run other programs (EPS)."""

MAX_PIXELS = 150_000_000
"""A larger picture is refused before it is decoded: Pillow needs 600 MB for 150 MP of RGB. The default of an option."""

PIXEL_LIMIT_OPTION = "--pixel-limit"
"""The option that raises it, which the reason of a refused photo names."""

MAX_JPEG_PIXELS = 1_000_000_000
"""The same for a JPEG that is decoded at a fraction of its size, of which ``MAX_PIXELS`` counts what is decoded.

A progressive JPEG needs memory for its full size, so that ``MAX_PIXELS`` counts all of it.
"""

MAX_BYTES = 512_000_000
"""A larger file is refused before it is read: 150 MP without compression take 450 MB."""

HEIF_FORMAT = "HEIF"
"""Pillow's name of the format."""

_HEIC_NEEDS = ("a HEIC photo", "heic")
INSTALL_HINT = str(PhotoNeedsExtra(*_HEIC_NEEDS))
"""The reason why a HEIC photo is refused if the extra is not installed."""

SNIFF_BYTES = 12
"""Bytes at the start of a file that identify HEIC."""

SUFFIXES = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".ppm",
        ".heic", ".heif", ".hif", ".jp2", ".j2k", ".j2c", ".jpx", ".jpf",
    )
)  # fmt: skip
"""The suffixes, in lower case, by which a scan of a folder detects photos.

Includes those of HEIC even without the extra: its photos are then reported with the command that installs it.
"""


@dataclass(frozen=True)
class FileKind:
    """A kind of files that is not read, or only with an extra.

    Attributes:
        name: In the plural.
        suffixes: In lower case.
        extra: The extra that reads it; None: nothing does.
        package: The package that the extra installs.
    """

    name: str
    suffixes: frozenset[str]
    extra: str | None = None
    package: str = ""

    @property
    def is_read(self) -> bool:
        """Whether this installation reads it."""
        return self.extra is not None and find_spec(self.package) is not None


HEIC = FileKind("HEIC photos", frozenset((".heic", ".heif", ".hif")), "heic", "pillow_heif")

RAW = FileKind(
    "raw photos", frozenset((".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2")), "raw", "rawpy"
)
"""Raw files of cameras."""

JPEG_XL = FileKind("JPEG XL photos", frozenset((".jxl",)), "jxl", "pillow_jxl")

VIDEOS = FileKind(
    "videos",
    frozenset(
        (
            ".mp4", ".m4v", ".mov", ".qt", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv",
            ".3gp", ".3g2", ".vob", ".ogv", ".dv", ".insv", ".lrv",
        )
    ),
)  # fmt: skip

KINDS = (
    HEIC,
    RAW,
    JPEG_XL,
    VIDEOS,
    FileKind("layered images", frozenset((".psd", ".psb", ".xcf", ".kra", ".afphoto"))),
    FileKind("vector images", frozenset((".svg", ".svgz", ".eps", ".ai"))),
    FileKind("PDF documents", frozenset((".pdf",))),
)
"""Kinds that need an extra, and kinds that nothing reads: a scan counts their files, and the report names them."""


@cache
def photo_suffixes() -> frozenset[str]:
    """Return the suffixes of photos: ``SUFFIXES``, and those of kinds whose extra is installed."""
    return SUFFIXES.union(*(kind.suffixes for kind in KINDS if kind.is_read))


@cache
def unread_kinds() -> Mapping[str, FileKind]:
    """Return the kinds that this installation does not read, by suffix in lower case."""
    return {suffix: kind for kind in KINDS if not kind.is_read for suffix in kind.suffixes}


_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


def is_heif(head: bytes) -> bool:
    """Return whether a file starts as an ISO media file (ISO/IEC 14496-12) of a brand of ISO/IEC 23008-12."""
    return head[4:8] == b"ftyp" and head[8:SNIFF_BYTES] in _BRANDS


@cache
def can_decode_heif() -> bool:
    """Return whether the extra is installed."""
    return find_spec("pillow_heif") is not None


@cache
def register_heif() -> None:
    """Register the decoder with Pillow. This takes 50 ms and is therefore delayed until the first HEIC photo."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


def check_bytes(size: int) -> None:
    """Refuse a file of more than ``MAX_BYTES``.

    Raises:
        PhotoError: It is larger.
    """
    if size > MAX_BYTES:
        raise PhotoError(f"a file of {size / 1e6:,.0f} MB; at most {MAX_BYTES // 1_000_000} MB are read")


@cache
def has_extra(extra: str) -> bool:
    """Return whether the extra of a kind in ``KINDS`` is installed."""
    return any(kind.is_read for kind in KINDS if kind.extra == extra)


def require_extra(extra: str, kind: str) -> None:
    """Refuse a photo whose decoder is an extra that is not installed; ``kind``: what it is, such as ``a RAW photo``.

    Raises:
        PhotoNeedsExtra: It is not installed.
    """
    if not has_extra(extra):
        raise PhotoNeedsExtra(kind, extra)


def check_pixels(width: int, height: int, most: int | None = None) -> None:
    """Refuse a picture of more than ``MAX_PIXELS``, or another number.

    Raises:
        PhotoError: It is larger; the message names the option that raises the limit.
    """
    most = MAX_PIXELS if most is None else most
    if width * height > most:
        raise PhotoError(f"{width} x {height} pixels; {too_many(most, width * height)}")


def too_many(most: int, found: int | None = None) -> str:
    """Return the reason why a photo of ``found`` pixels, more than ``most``, is refused."""
    enough = "N" if found is None else str(-(-found // 1_000_000))
    return f"at most {most // 1_000_000} million are decoded; {PIXEL_LIMIT_OPTION} {enough} raises the limit"


def require_heif_extra(head: bytes) -> None:
    """Refuse a HEIC file, detected by its first bytes, if the extra is not installed.

    Raises:
        PhotoNeedsExtra: It is not installed.
    """
    if is_heif(head[:SNIFF_BYTES]) and not can_decode_heif():
        raise PhotoNeedsExtra(*_HEIC_NEEDS)
