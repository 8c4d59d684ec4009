"""Raw files: the embedded preview, or a developed picture if it is too small; upright, with the size of the photo."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import raw_files
from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo, open_photo, photo_format
from photoseek.photos.raw import is_other_than_tiff, is_raw

needs_rawpy = pytest.mark.skipif(not formats.has_extra("raw"), reason="rawpy is not installed")
GREEN, RED = (40, 200, 60), (200, 60, 40)  # of the preview, and of the mosaic


def color_of(image: Image.Image) -> str:
    red, green, _ = np.asarray(image, dtype=float).reshape(-1, 3).mean(axis=0)
    return "green" if green > red else "red"


@needs_rawpy
def test_the_preview_is_used_and_not_the_mosaic() -> None:
    photo = decode_photo(raw_files.dng((640, 480), raw_files.jpeg((320, 240), GREEN)), 100)
    assert color_of(photo.image) == "green"
    assert (photo.width, photo.height) == (640, 480)
    assert min(photo.image.size) >= 100
    assert photo.taken == "2024-05-17 10:11:12"


@needs_rawpy
@pytest.mark.parametrize("preview", [None, raw_files.jpeg((64, 48), GREEN)], ids=["none", "small"])
def test_without_a_preview_that_is_large_enough_the_mosaic_is_developed(preview: bytes | None) -> None:
    photo = decode_photo(raw_files.dng((640, 480), preview), 200)
    assert color_of(photo.image) == "red"
    assert (photo.width, photo.height, photo.image.size) == (640, 480, (320, 240))
    assert photo.taken == "2024-05-17 10:11:12"


@needs_rawpy
@pytest.mark.parametrize(("edge", "expected"), [(100, "green"), (200, "red"), (None, "red")])
def test_a_small_preview_is_used_where_no_more_is_needed(edge: int | None, expected: str) -> None:
    photo = decode_photo(raw_files.dng((640, 480), raw_files.jpeg((160, 120), GREEN)), edge)
    assert color_of(photo.image) == expected


@needs_rawpy
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("preview", [True, False])
def test_the_picture_is_upright(orientation: int, preview: bool) -> None:
    """The left half of the preview is dark: turned by the orientation, it is at the left, right, top or bottom."""
    data = raw_files.dng((640, 480), raw_files.jpeg((320, 240), GREEN) if preview else None, orientation=orientation)
    photo = decode_photo(data)
    size = (640, 480) if orientation in (1, 3) else (480, 640)
    assert (photo.width, photo.height) == size
    assert photo.image.size == (size[0] // 2, size[1] // 2)
    if preview:
        light = np.asarray(photo.image.convert("L"), dtype=float)
        height, width = light.shape
        sides = {
            1: light[:, : width // 2], 3: light[:, width // 2 :], 6: light[: height // 2], 8: light[height // 2 :],
        }  # fmt: skip
        assert min(sides, key=lambda side: sides[side].mean()) == orientation


@needs_rawpy
def test_the_mosaic_has_the_limit_of_pixels_and_the_preview_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_PIXELS", 100_000)
    for preview in (None, raw_files.jpeg((400, 300), GREEN)):
        with pytest.raises(PhotoError, match=r"\d+ x \d+ pixels; at most 0 million are decoded; --pixel-limit 1"):
            decode_photo(raw_files.dng((640, 480), preview))
    small = decode_photo(raw_files.dng((640, 480), raw_files.jpeg((160, 120), GREEN)))
    assert color_of(small.image) == "green"  # better than nothing
    assert decode_photo(raw_files.dng((640, 480)), max_pixels=400_000).image.size == (320, 240)


@needs_rawpy
def test_a_declared_size_above_the_limit_is_refused_before_anything_is_allocated() -> None:
    data = raw_files.dng((64, 48), declared=(60_000, 60_000))
    with pytest.raises(PhotoError, match=r"60000 x 60000 pixels; at most 150 million|LibRaw does not read"):
        decode_photo(data)


@needs_rawpy
def test_a_raw_file_is_named_as_such_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(raw_files.dng())
    assert photo_format(file) == "RAW"
    assert open_photo(file).size == (320, 240)


@needs_rawpy
def test_a_file_that_libraw_does_not_read_is_refused_with_its_reason() -> None:
    with pytest.raises(PhotoError, match="damaged, or a raw file that LibRaw does not read: "):
        open_photo(b"FUJIFILMCCD-RAW " + bytes(2_000))


@pytest.mark.parametrize(
    "head",
    [b"FUJIFILMCCD-RAW ", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0\0\0\x18ftypcrx "],
    ids=["RAF", "ORF", "ORF S", "ORF M", "RW2", "CR3"],
)
def test_raw_formats_other_than_tiff_are_known_by_their_first_bytes(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_other_than_tiff(head.ljust(12, b"\0")[:12])
    monkeypatch.setattr(formats, "has_extra", lambda _: False)
    monkeypatch.setattr("photoseek.photos.decode.has_extra", lambda _: False)
    with pytest.raises(PhotoError, match=r"a raw photo, .* pip install 'photoseek\[raw\]'"):
        open_photo(head + bytes(100))


def tiff(*tags: tuple[int, int, list[int] | bytes]) -> bytes:
    return raw_files._tiff([(sorted(tags), b"\0" * 64)])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (raw_files.dng(), True),
        (tiff((254, 4, [1]), (271, 2, b"NIKON\0"), (330, 4, [0])), True),  # NEF, ARW: a thumbnail, and more inside
        (tiff((254, 4, [0]), (271, 2, b"SCANNER\0"), (330, 4, [0])), False),  # a pyramid
        (tiff((271, 2, b"NIKON\0")), False),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(20), True),
        (b"II*\0\xff\xff\xff\x7f", False),
        (b"II*\0", False),
        (b"\xff\xd8\xff\xe0" + bytes(20), False),
    ],
)
def test_a_raw_file_that_is_a_tiff_is_known_by_its_first_directory(data: bytes, expected: bool) -> None:
    assert is_raw(io.BytesIO(data), data[:12]) == expected


def test_a_usual_tiff_is_not_raw() -> None:
    for options in ({}, {"compression": "tiff_lzw"}, {"save_all": True, "append_images": [Image.new("RGB", (9, 9))]}):
        file = io.BytesIO()
        exif = Image.Exif()
        exif[271] = "Canon"
        Image.new("RGB", (9, 9)).save(file, "TIFF", exif=exif, **options)
        assert not is_raw(file, file.getvalue()[:12])
