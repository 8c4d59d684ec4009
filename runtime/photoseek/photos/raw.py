"""Raw files of cameras (extra ``raw``): their embedded preview, or a developed picture if it is too small.

A preview is the camera's own JPEG, decoded in a tenth of the time that developing takes, with the colors that its owner
knows. LibRaw finds it in the file.
"""

from __future__ import annotations

import io
import struct
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos.formats import check_pixels

if TYPE_CHECKING:
    import rawpy

FORMAT = "RAW"
"""The name of all raw formats."""

_OTHER_THAN_TIFF = (b"FUJIFILMCCD-", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")  # RAF, ORF, RW2
_CR3 = b"ftypcrx "
_CR2 = b"CR\x02"
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_SUBFILE_TYPE, _MAKE, _SUB_IFDS, _DNG_VERSION = 254, 271, 330, 50_706  # tags
_SHORT = 3  # the type of a number of 16 bits
_MAX_ENTRIES = 1_000  # of a directory
_SWAPPED = (5, 6)  # LibRaw's orientations that swap width and height


@dataclass(frozen=True)
class RawPicture:
    """The picture in a raw file.

    Attributes:
        content: The bytes of a JPEG, with its orientation, or an upright picture.
        width: Width of the upright photo at full size, in pixels.
        height: Height of the upright photo at full size, in pixels.
    """

    content: bytes | Image.Image
    width: int
    height: int


def is_other_than_tiff(head: bytes) -> bool:
    """Return whether the first 12 bytes of a file are those of a raw format that is not a TIFF."""
    return head.startswith(_OTHER_THAN_TIFF) or head[4:12] == _CR3


def is_raw(file: BinaryIO, head: bytes) -> bool:
    """Return whether a file is raw: by its first bytes, or by the first directory of a TIFF.

    That is a DNG's, or a thumbnail with further directories by a camera, as in NEF and ARW.
    """
    if is_other_than_tiff(head):
        return True
    order = _TIFF.get(head[:4])
    if order is None:
        return False
    if head[8:11] == _CR2:
        return True
    tags = _first_directory(file, order)
    return _DNG_VERSION in tags or (bool(tags.get(_SUBFILE_TYPE, 0) & 1) and {_MAKE, _SUB_IFDS} <= tags.keys())


def raw_picture(
    data: bytes, min_edge: int | None, max_pixels: int | None, developing: AbstractContextManager[object]
) -> RawPicture:
    """Return the embedded preview of a raw file, or a picture that is developed at half of its size.

    LibRaw reads previews of up to 512 MB.

    Args:
        data: The file.
        min_edge: The shorter side that a preview needs. None: half of that of the photo.
        max_pixels: See ``decode_photo``.
        developing: Entered while a picture is developed, which takes up to a gigabyte.

    Raises:
        PhotoError: LibRaw cannot read it, or it has too many pixels and no preview.
    """
    import rawpy

    try:
        with rawpy.RawPy() as raw:
            raw.open_buffer(io.BytesIO(data))  # reads metadata only
            sizes = raw.sizes
            size = (sizes.height, sizes.width) if sizes.flip in _SWAPPED else (sizes.width, sizes.height)
            needed = min(size) // 2 if min_edge is None else min(min_edge, min(size) // 2)
            preview = _preview(raw)
            if preview is None or _shorter_side(preview) < needed:
                with developing:
                    preview = _developed(raw, max_pixels, preview)
            return RawPicture(preview, *size)
    except rawpy.LibRawError as error:
        raise PhotoError(f"damaged, or a raw file that LibRaw does not read: {_reason(error)}") from error


def raw_preview(data: bytes) -> bytes | None:
    """Return the preview of a raw file if it is a JPEG, with the EXIF that LibRaw adds if it has none."""
    import rawpy

    with rawpy.RawPy() as raw:
        raw.open_buffer(io.BytesIO(data))
        preview = _preview(raw)
    return preview if isinstance(preview, bytes) else None


def _first_directory(file: BinaryIO, order: str) -> dict[int, int]:
    """Return the tags of the first directory of a TIFF, with the values of those that have a single number."""
    file.seek(4)
    tags = {}
    try:
        (start,) = struct.unpack(f"{order}I", file.read(4))
        file.seek(start)
        (count,) = struct.unpack(f"{order}H", file.read(2))
        for _ in range(min(count, _MAX_ENTRIES)):
            tag, kind, _, value = struct.unpack(f"{order}HHI4s", file.read(12))
            (tags[tag],) = (
                struct.unpack(f"{order}H", value[:2]) if kind == _SHORT else struct.unpack(f"{order}I", value)
            )
    except struct.error:  # it ends early
        pass
    return tags


def _preview(raw: rawpy.RawPy) -> bytes | Image.Image | None:
    """Return the largest preview: an upright picture, or a JPEG, to which LibRaw adds a missing orientation."""
    import rawpy

    try:
        found = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError, rawpy.LibRawDataError):
        return None
    if found.format == rawpy.ThumbFormat.JPEG:
        return bytes(found.data)
    return _turned(_from_array(np.array(found.data)), raw.sizes.flip)


def _developed(raw: rawpy.RawPy, max_pixels: int | None, preview: bytes | Image.Image | None) -> bytes | Image.Image:
    """Return the developed picture, upright, at half of its size; the small preview if that fails.

    Raises:
        PhotoError: It has too many pixels, and no preview.
        LibRawError: It cannot be developed, and has no preview.
    """
    import rawpy

    try:
        check_pixels(raw.sizes.raw_width, raw.sizes.raw_height, max_pixels)
        return _from_array(raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8))
    except (PhotoError, rawpy.LibRawError):
        if preview is None:
            raise
        return preview


def _shorter_side(preview: bytes | Image.Image) -> int:
    if isinstance(preview, Image.Image):
        return min(preview.size)
    try:
        with Image.open(io.BytesIO(preview), formats=("JPEG",)) as image:
            return min(image.size)
    except Exception:  # Pillow raises nearly every class
        return 0


def _from_array(values: np.ndarray) -> Image.Image:
    """Return a picture (h, w, 3), or a gray one (h, w, 1) or (h, w)."""
    return Image.fromarray(values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values)


def _turned(image: Image.Image, flip: int) -> Image.Image:
    """Return a picture upright, by LibRaw's orientation."""
    turns = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90, 6: Image.Transpose.ROTATE_270}
    return image.transpose(turns[flip]) if flip in turns else image


def _reason(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return (text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)) or type(error).__name__
