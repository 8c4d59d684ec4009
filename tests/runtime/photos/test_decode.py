"""Any file becomes an upright 8-bit RGB picture or an error with a reason."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo, open_photo

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)  # type: ignore[arg-type]
    return file.getvalue()


def corner(image: Image.Image) -> tuple[int, ...]:
    return tuple(int(value) for value in np.asarray(image)[0, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation: int) -> None:
    upright = Image.new("RGB", (24, 16), (0, 0, 255))
    upright.paste((255, 0, 0), (0, 0, 8, 8))
    stored = upright
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_photo(saved(stored, "PNG", exif=exif))
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(upright))


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_an_invalid_orientation_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert open_photo(saved(Image.new("RGB", (24, 16)), "PNG", exif=exif)).size == (24, 16)


def test_sixteen_bit_grays_are_scaled_and_not_clipped() -> None:
    deep = Image.fromarray((RAMP * 65535).astype(np.uint16))
    opened = np.asarray(open_photo(saved(deep, "PNG")))
    np.testing.assert_allclose(opened[..., 0], np.rint((RAMP * 65535).astype(np.uint16) / 257.0), atol=0)


def test_floating_point_grays_are_scaled() -> None:
    floats = Image.fromarray(RAMP.astype(np.float32))
    np.testing.assert_allclose(np.asarray(open_photo(saved(floats, "TIFF")))[..., 1], RAMP * 255, atol=0.51)


@pytest.mark.parametrize(
    "values",
    [
        (RAMP * 4095).astype(np.uint16),
        (RAMP * 4095).astype(np.float32),
        (RAMP * 3 - 1).astype(np.float32),
        (RAMP * 1_000_000).astype(np.int32),
    ],
    ids=["12 bits in 16", "counts", "below 0", "32 bits"],
)
@pytest.mark.parametrize("hot", [False, True])
def test_grays_of_another_range_are_scaled_whatever_a_hot_pixel_has(values: np.ndarray, hot: bool) -> None:
    large = np.repeat(np.repeat(values, 8, axis=0), 8, axis=1)
    if hot:
        large[3, 5] = 60_000 if large.dtype == np.uint16 else 2_000_000_000
    opened = np.asarray(open_photo(saved(Image.fromarray(large), "TIFF")), dtype=float)[::8, ::8, 1]
    np.testing.assert_allclose(opened[1:], RAMP[1:] * 255, atol=4)


def test_a_light_drawing_on_transparency_is_visible() -> None:
    drawing = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    drawing.paste((250, 250, 250, 255), (40, 40, 60, 60))
    for mode in ("RGBA", "LA"):
        opened = np.asarray(open_photo(saved(drawing.convert(mode), "PNG")))
        assert opened[50, 50].min() > 240
        assert opened[0, 0].max() < 64
    screenshot = Image.new("RGBA", (100, 100), (250, 250, 250, 255))
    screenshot.paste((0, 0, 0, 0), (0, 0, 8, 8))
    assert corner(open_photo(saved(screenshot, "PNG"))) == (255, 255, 255)


def test_transparent_pixels_are_white_whatever_their_color() -> None:
    layer = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert corner(open_photo(saved(layer, "PNG"))) == (255, 255, 255)
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert corner(open_photo(half)) == (127, 127, 127)
    gray = Image.new("LA", (8, 8), (0, 0))
    assert corner(open_photo(saved(gray, "PNG"))) == (255, 255, 255)


def test_palettes_with_and_without_transparency_are_read() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    assert corner(open_photo(saved(picture, "PNG"))) == (200, 100, 50)
    assert corner(open_photo(saved(picture, "PNG", transparency=1))) == (255, 255, 255)


def test_cmyk_becomes_rgb() -> None:
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # cyan none, magenta and yellow full: red
    red, green, blue = corner(open_photo(saved(ink, "JPEG", quality=100)))
    assert red > 240
    assert max(green, blue) < 15


def test_the_first_frame_of_an_animation_is_decoded() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    animated = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert corner(open_photo(animated)) == (255, 0, 0)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"]
)
def test_every_mode_becomes_rgb(mode: str) -> None:
    opened = open_photo(Image.new(mode, (5, 3)))
    assert (opened.mode, opened.size) == ("RGB", (5, 3))


def test_a_path_bytes_and_a_picture_are_the_same_photo(tmp_path: Path) -> None:
    data = saved(Image.fromarray((RAMP * 255).astype(np.uint8)), "PNG")
    path = tmp_path / "ramp.png"
    path.write_bytes(data)
    expected = np.asarray(open_photo(data))
    for source in (path, str(path), Image.open(path)):
        np.testing.assert_array_equal(np.asarray(open_photo(source)), expected)


def test_files_that_are_not_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="not a photo of a known format"):
        open_photo(b"GIF89 without a picture")
    with pytest.raises(PhotoError, match="No such file"):
        open_photo(tmp_path / "nowhere.jpg")
    with pytest.raises(PhotoError, match="not a regular file"):
        open_photo(tmp_path)
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(saved(Image.effect_noise((64, 64), 80), "PNG")[:900])


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="not a regular file"):
        open_photo(tmp_path / "pipe.jpg")


def test_formats_that_run_other_programs_are_refused() -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    with pytest.raises(PhotoError, match="not a photo of a known format"):
        open_photo(postscript)


def tiff(bands: int, bits: int, sample_format: int) -> bytes:
    """Return a TIFF of 1 x 1 pixel."""
    fields = [(256, 1), (257, 1), (258, bits), (259, 1), (262, 1), (273, 200), (277, bands), (278, 1), (279, bands * 8)]
    entries = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in [*fields, (339, sample_format)])
    return struct.pack("<2sHIH", b"II", 42, 8, len(fields) + 1).ljust(10) + entries.ljust(190, b"\0") + bytes(8 * bands)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff(5, 16, 1), "a TIFF with bands of 16 bits, 5 of them; expected gray or RGB: convert it"),
        (tiff(1, 64, 3), "a TIFF with bands of 64 floating-point bits, 1 of them"),
        (tiff(2, 16, 2), "a TIFF with bands of 16 signed bits, 2 of them"),
    ],
)
def test_a_tiff_of_measurements_is_named_as_what_it_is(content: bytes, reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        open_photo(content)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_PIXELS", 1_000_000)
    with pytest.raises(PhotoError, match="2000 x 1000 pixels; at most 1 million"):
        open_photo(saved(Image.new("1", (2000, 1000)), "PNG"))


def test_the_limit_counts_the_pixels_of_a_jpeg_that_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Image.new("RGB", (2000, 1000), (200, 30, 30))
    monkeypatch.setattr(formats, "MAX_PIXELS", 1_000_000)
    photo = decode_photo(saved(large, "JPEG"), 100)
    assert (photo.width, photo.height, photo.image.size) == (2000, 1000, (250, 125))
    for data, edge in (
        (saved(large, "JPEG"), None),
        (saved(large, "JPEG"), 900),  # no smaller size has such an edge
        (saved(large, "JPEG", progressive=True), 100),
        (saved(large, "PNG"), 100),
    ):
        with pytest.raises(PhotoError, match="2000 x 1000 pixels; at most 1 million"):
            decode_photo(data, edge)
    monkeypatch.setattr(formats, "MAX_JPEG_PIXELS", 1_999_999)
    with pytest.raises(PhotoError, match="2000 x 1000 pixels; at most 1 million"):
        decode_photo(saved(large, "JPEG"), 100)


def test_a_photo_of_200_megapixels_is_decoded_at_an_eighth() -> None:
    photo = decode_photo(saved(Image.new("L", (16_320, 12_240), 90), "JPEG"), 448)
    assert (photo.width, photo.height, photo.image.size) == (16_320, 12_240, (2040, 1530))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pillows_own_limit_has_the_same_error() -> None:
    with pytest.raises(PhotoError, match="too many pixels; at most 150 million"):
        open_photo(saved(Image.new("1", (20_000, 9_500)), "PNG"))
    with pytest.raises(PhotoError, match="16000 x 10000 pixels; at most 150 million"):
        open_photo(saved(Image.new("1", (16_000, 10_000)), "PNG"))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_a_photo_or_a_reason_never_another_error(format_: str, data: st.DataObject) -> None:
    content = bytearray(saved(Image.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB"), format_))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outcome = photo_or_reason(bytes(content[: data.draw(st.integers(1, len(content)))]))
    assert outcome


def photo_or_reason(content: bytes) -> tuple[int, int] | str:
    try:
        return open_photo(content).size
    except PhotoError as error:
        return str(error)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_large_jpeg_is_decoded_no_larger_than_needed(orientation: int) -> None:
    """A quarter of 1200 x 900 is 300 x 225, at least 200. Width and height are those of the upright photo in full."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.linear_gradient("L").resize((1200, 900)).convert("RGB")
    data = saved(stored, "JPEG", exif=exif)
    full, scaled = decode_photo(data), decode_photo(data, 200)
    size = (1200, 900) if orientation in (1, 3) else (900, 1200)
    assert (full.width, full.height) == (scaled.width, scaled.height) == full.image.size == size
    assert scaled.image.size == (size[0] // 4, size[1] // 4)
    shrunk = np.asarray(full.image.resize(scaled.image.size, Image.Resampling.BOX), dtype=np.float32)
    assert np.abs(shrunk - np.asarray(scaled.image, dtype=np.float32)).mean() < 1


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_never_enlarged_and_never_too_small(format_: str) -> None:
    for size in ((300, 210), (199, 1600), (64, 64)):
        photo = decode_photo(saved(Image.new("RGB", size, (9, 99, 199)), format_), 200)
        assert (photo.width, photo.height) == size
        assert min(photo.image.size) >= min(200, *size)
