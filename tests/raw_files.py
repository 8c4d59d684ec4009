"""Small valid raw files: DNGs with a drawn mosaic and an embedded preview, by the tags of the DNG specification 1.4."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

Tag = tuple[int, int, Sequence[int] | bytes]
"""Number, type and values of a tag."""

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10
_FORMS = {_BYTE: "B", _ASCII: "B", _SHORT: "H", _LONG: "I", _RATIONAL: "I", _SRATIONAL: "i"}
_XYZ = (1, 0, 0, 0, 1, 0, 0, 0, 1)


def jpeg(size: tuple[int, int], color: tuple[int, int, int]) -> bytes:
    """Return a JPEG with a darker left half, so that its orientation is visible."""
    image = Image.new("RGB", size, color)
    image.paste(tuple(value // 4 for value in color), (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def dng(
    size: tuple[int, int] = (640, 480),
    preview: bytes | None = None,
    *,
    color: tuple[int, int, int] = (200, 60, 40),
    orientation: int = 1,
    taken: str = "2024:05:17 10:11:12",
    declared: tuple[int, int] | None = None,
) -> bytes:
    """Return a DNG of one color.

    Args:
        size: Width and height of the mosaic.
        preview: A JPEG.
        color: Of the mosaic.
        orientation: As in EXIF.
        taken: Its date.
        declared: The size that the header declares instead of ``size``.
    """
    values = np.empty((size[1], size[0]), dtype="<u2")
    for (row, column), channel in {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 2}.items():  # RGGB
        values[row::2, column::2] = int((color[channel] / 255) ** 2.2 * 65_535)
    pixels = values.tobytes()
    width, height = declared or size
    mosaic: list[Tag] = [
        (254, _LONG, [0]), (256, _LONG, [width]), (257, _LONG, [height]), (258, _SHORT, [16]), (259, _SHORT, [1]),
        (262, _SHORT, [32_803]), (273, _LONG, [0]), (277, _SHORT, [1]), (278, _LONG, [height]),
        (279, _LONG, [len(pixels)]), (33_421, _SHORT, [2, 2]), (33_422, _BYTE, [0, 1, 1, 2]),
        (50_717, _LONG, [65_535]),
    ]  # fmt: skip
    described: list[Tag] = [
        (271, _ASCII, b"photoseek\0"), (272, _ASCII, b"drawn\0"), (274, _SHORT, [orientation]),
        (306, _ASCII, taken.encode() + b"\0"), (50_706, _BYTE, [1, 4, 0, 0]), (50_708, _ASCII, b"drawn\0"),
        (50_721, _SRATIONAL, [part for value in _XYZ for part in (value, 1)]),
        (50_728, _RATIONAL, [1, 1] * 3), (50_778, _SHORT, [21]),
    ]  # fmt: skip
    if preview is None:
        return _tiff([(sorted(mosaic + described), pixels)])
    with Image.open(io.BytesIO(preview)) as image:
        shown = image.size
    first: list[Tag] = [
        (254, _LONG, [1]), (256, _LONG, [shown[0]]), (257, _LONG, [shown[1]]), (258, _SHORT, [8, 8, 8]),
        (259, _SHORT, [7]), (262, _SHORT, [6]), (273, _LONG, [0]), (277, _SHORT, [3]), (278, _LONG, [shown[1]]),
        (279, _LONG, [len(preview)]), (330, _LONG, [0]),
    ]  # fmt: skip
    return _tiff([(sorted(first + described), preview), (mosaic, pixels)])


def _tiff(directories: Sequence[tuple[list[Tag], bytes]]) -> bytes:
    """Return a TIFF whose first directory refers to the second one, if there are two."""
    starts, place = [], 8
    for tags, data in directories:
        starts.append(place)
        place += 6 + 12 * len(tags) + sum(len(_packed(tag)) for tag in tags if len(_packed(tag)) > 4) + len(data)
    content = b"II*\0" + struct.pack("<I", 8)
    for start, (tags, data) in zip(starts, directories, strict=True):
        after = start + 6 + 12 * len(tags)
        entries, more = b"", b""
        strip = after + sum(len(_packed(tag)) for tag in tags if len(_packed(tag)) > 4)
        for number, kind, values in tags:
            known = {273: strip, 330: starts[-1]}.get(number)
            value = _packed((number, kind, values if known is None else [known]))
            count = len(values) // (2 if kind in (_RATIONAL, _SRATIONAL) else 1)
            entries += struct.pack("<HHI", number, kind, count)
            if len(value) > 4:
                entries += struct.pack("<I", after + len(more))
                more += value
            else:
                entries += value.ljust(4, b"\0")
        content += struct.pack("<H", len(tags)) + entries + bytes(4) + more + data
    return content


def _packed(tag: Tag) -> bytes:
    _, kind, values = tag
    return bytes(values) if isinstance(values, bytes) else struct.pack(f"<{len(values)}{_FORMS[kind]}", *values)
