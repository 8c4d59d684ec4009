"""JPEG XL (extra ``jxl``): the size of a picture, from its header.

The decoder decodes a picture when it is opened, so its size is checked before. ISO/IEC 18181-1, D.2 (SizeHeader), and
ISO/IEC 18181-2, 4 (boxes).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO

from photoseek.errors import PhotoError

FORMAT = "JXL"
"""The plugin's name of the format."""

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_TIFF = (b"II*\0", b"MM\0*")
_HEADER_BYTES = 16  # of a codestream: the size takes at most 67 bits
_SIDE_BITS = (9, 13, 18, 30)  # lengths of a side
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height


def is_jpeg_xl(head: bytes) -> bool:
    """Return whether the first 12 bytes of a file are those of JPEG XL."""
    return head.startswith((_CODESTREAM, _CONTAINER))


def jpeg_xl_size(file: BinaryIO) -> tuple[int, int]:
    """Return the stored width and height of a picture; its orientation may swap them.

    Raises:
        PhotoError: The header is damaged.
    """
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    if head.startswith(_CONTAINER):
        head = _codestream_of(file)
    if not head.startswith(_CODESTREAM):
        raise PhotoError("damaged: a JPEG XL without a codestream")
    bits = _Bits(head[2:])
    small = bits.read(1)
    height = _side(bits, small)
    ratio = bits.read(3)
    if ratio == 0:
        return _side(bits, small), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height


def jpeg_xl_exif(data: bytes) -> bytes:
    """Return the EXIF of a file, a TIFF structure; empty if it has none, or one that is compressed (a ``brob`` box)."""
    file = io.BytesIO(data)
    for kind, size in _boxes(file) if data.startswith(_CONTAINER) else ():
        if kind == b"Exif":
            box = file.read(max(size, 0))
            return box if box.startswith(_TIFF) else box[4 + int.from_bytes(box[:4]) :]  # some writers omit its offset
    return b""


@cache
def register_jpeg_xl() -> None:
    """Register the decoder with Pillow, without threads: each thread of the caller decodes on its own core."""
    from pillow_jxl import JpegXLImagePlugin

    JpegXLImagePlugin.DECODE_THREADS = 0


def _codestream_of(file: BinaryIO) -> bytes:
    """Return the first bytes of the codestream in a file of boxes."""
    for kind, _ in _boxes(file):
        if kind in (b"jxlc", b"jxlp"):
            file.read(4 if kind == b"jxlp" else 0)  # the number of a partial codestream
            return file.read(_HEADER_BYTES)
    return b""


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the type and the size of the content of each box, at which the file is; the last one may have no end."""
    end = file.seek(0, io.SEEK_END)
    start = len(_CONTAINER)
    while start + 8 <= end:
        file.seek(start)
        size, kind = int.from_bytes(file.read(4)), file.read(4)
        header = 8
        if size == 1:
            size, header = int.from_bytes(file.read(8)), 16
        last = size < header  # 0: up to the end of the file
        yield kind, (end - start if last else size) - header
        if last:
            break
        start += size


class _Bits:
    """Bits of a codestream, from the least significant one of each byte."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def read(self, count: int) -> int:
        """Return the next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise PhotoError("damaged: the header of a JPEG XL ends early")
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        return found


def _side(bits: _Bits, small: int) -> int:
    """Return a side: a multiple of 8 up to 256 in five bits, or any number."""
    if small:
        return 8 * (1 + bits.read(5))
    return 1 + bits.read(_SIDE_BITS[bits.read(2)])
