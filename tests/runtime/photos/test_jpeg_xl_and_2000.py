"""JPEG XL (extra ``jxl``) and JPEG 2000: decoded, and refused before anything is allocated if they are too large."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo, open_photo, photo_format
from photoseek.photos.jpeg_xl import jpeg_xl_size, register_jpeg_xl

needs_jxl = pytest.mark.skipif(not formats.has_extra("jxl"), reason="pillow-jxl-plugin is not installed")
needs_openjpeg = pytest.mark.skipif(not features.check("jpg_2000"), reason="this build of Pillow has no JPEG 2000")
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)  # type: ignore[arg-type]
    return file.getvalue()


def header(width: int, height: int) -> bytes:
    """Return the first bytes of a codestream with sides of any size, by ISO/IEC 18181-1, D.2."""
    value, place = 0, 0
    for number, bits in ((0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30)):
        value |= number << place
        place += bits
    return b"\xff\x0a" + value.to_bytes(9, "little")


@needs_jxl
@pytest.mark.parametrize("size", [(64, 48), (640, 480), (300, 200), (16, 256), (1920, 1080), (77, 1030), (1, 9000)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size: tuple[int, int], container: bool) -> None:
    register_jpeg_xl()
    data = saved(Image.new("RGB", size, (200, 30, 30)), "JXL", use_container=container, effort=1)
    assert data.startswith(CONTAINER) == container
    assert jpeg_xl_size(io.BytesIO(data)) == size
    assert open_photo(data).size == size


@pytest.mark.parametrize("size", [(1, 1), (70_000, 3), (2**30, 2**30)])
def test_the_size_of_any_codestream_is_read(size: tuple[int, int]) -> None:
    data = header(*size)
    assert jpeg_xl_size(io.BytesIO(data)) == size
    box = (8 + len(data)).to_bytes(4) + b"jxlc" + data
    assert jpeg_xl_size(io.BytesIO(CONTAINER + b"\0\0\0\x14ftypjxl \0\0\0\0jxl " + box)) == size


@pytest.mark.parametrize(
    "data", [b"\xff\x0a", b"\xff\x0a\0", CONTAINER, CONTAINER + bytes(8), CONTAINER + b"\xff" * 40]
)
def test_a_damaged_header_is_refused(data: bytes) -> None:
    with pytest.raises(PhotoError, match="damaged"):
        jpeg_xl_size(io.BytesIO(data))


@needs_jxl
def test_a_jpeg_xl_above_the_limit_is_refused_before_its_decoder_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin decodes a picture when it is opened."""
    register_jpeg_xl()
    monkeypatch.setattr("pillow_jxl.JpegXLImagePlugin.Decoder", lambda **_: pytest.fail("the decoder was called"))
    with pytest.raises(PhotoError, match="20000 x 10000 pixels; at most 150 million are decoded; --pixel-limit 200"):
        open_photo(header(20_000, 10_000))


@needs_jxl
def test_a_jpeg_xl_has_a_date_an_orientation_and_a_format(tmp_path: Path) -> None:
    register_jpeg_xl()
    exif = Image.Exif()
    exif[0x0132] = "2024:05:17 10:11:12"
    file = tmp_path / "photo.jxl"
    file.write_bytes(saved(Image.new("RGB", (64, 48), (200, 30, 30)), "JXL", exif=exif.tobytes(), lossless=True))
    photo = decode_photo(file)
    assert (photo.image.size, photo.taken) == ((64, 48), "2024-05-17 10:11:12")
    assert photo_format(file) == "JXL"
    np.testing.assert_array_equal(np.asarray(photo.image)[0, 0], (200, 30, 30))


def test_without_the_extra_a_jpeg_xl_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formats, "has_extra", lambda _: False)
    with pytest.raises(PhotoError, match=r"a JPEG XL photo, .* pip install 'photoseek\[jxl\]'"):
        open_photo(header(64, 48))


@needs_openjpeg
@pytest.mark.parametrize("options", [{}, {"no_jp2": True}, {"irreversible": True}], ids=["JP2", "codestream", "lossy"])
def test_a_jpeg_2000_is_decoded(options: dict[str, object]) -> None:
    data = saved(Image.new("RGB", (64, 48), (200, 30, 30)), "JPEG2000", **options)
    photo = open_photo(data)
    assert photo.size == (64, 48)
    assert np.abs(np.asarray(photo, dtype=int) - (200, 30, 30)).max() <= 2


@needs_openjpeg
def test_a_jpeg_2000_above_the_limit_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.new("RGB", (640, 480)), "JPEG2000")
    monkeypatch.setattr(formats, "MAX_PIXELS", 300_000)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(PhotoError, match="640 x 480 pixels; at most 0 million"):
        decode_photo(data, 100)
