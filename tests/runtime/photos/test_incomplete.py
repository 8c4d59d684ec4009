"""Of a file that ends early, what can be shown is decoded, without the rows that are missing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos import formats
from photoseek.photos.decode import Photo, decode_photo, open_photo

WIDTH, HEIGHT = 320, 240


def picture() -> Image.Image:
    """Return a picture without black or gray rows, whose files are as long at the bottom as at the top."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    values = np.stack([60 + columns / 4, 200 - rows / 3, 90 + (rows + columns) / 8], axis=-1)
    noise = np.random.default_rng(0).normal(0, 6, values.shape)
    return Image.fromarray(np.clip(values + noise, 20, 240).astype(np.uint8))


def saved(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, form, **options)  # type: ignore[arg-type]
    return file.getvalue()


IN_ORDER = {
    "JPEG": saved("JPEG"),
    "gray JPEG": saved("JPEG", picture().convert("L")),
    "CMYK JPEG": saved("JPEG", picture().convert("CMYK")),
    "PNG": saved("PNG"),
    "PNG with alpha": saved("PNG", picture().convert("RGBA")),
    "PNG with palette": saved("PNG", picture().quantize(64)),
    "GIF": saved("GIF", interlace=0),
    "TIFF": saved("TIFF"),
    "BMP": saved("BMP"),
    "PPM": saved("PPM"),
}


def decoded(data: bytes, share: float, edge: int | None = None) -> Photo:
    return decode_photo(data[: int(len(data) * share)], edge)


@pytest.mark.parametrize("kind", IN_ORDER)
@pytest.mark.parametrize("share", [0.6, 0.8, 0.98])
def test_the_rows_that_a_file_has_are_decoded_as_those_of_the_whole_file(kind: str, share: float) -> None:
    whole, photo = decode_photo(IN_ORDER[kind]), decoded(IN_ORDER[kind], share)
    assert not whole.incomplete
    assert photo.incomplete
    assert (photo.width, photo.height, photo.image.width) == (WIDTH, HEIGHT, WIDTH)
    rows = photo.image.height
    assert rows / HEIGHT == pytest.approx(share, abs=0.1)
    found, expected = np.asarray(photo.image), np.asarray(whole.image)
    sure = rows - 18  # a block of a JPEG has up to 16 rows, of which some may be in part; colors of the row above blend
    if kind == "BMP":  # is stored from the bottom
        np.testing.assert_array_equal(found[-sure:], expected[-sure:])
    else:
        np.testing.assert_array_equal(found[:sure], expected[:sure])


@pytest.mark.parametrize("kind", IN_ORDER)
def test_a_file_with_less_than_half_of_its_rows_is_refused(kind: str) -> None:
    with pytest.raises(PhotoError, match=r"damaged: the file ends after \d+% of the picture"):
        decoded(IN_ORDER[kind], 0.4)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_shown_in_full(progressive: bool, missing: int) -> None:
    data = saved("JPEG", progressive=progressive)
    whole, photo = decode_photo(data), decode_photo(data[:-missing])
    assert photo.incomplete
    np.testing.assert_array_equal(np.asarray(photo.image), np.asarray(whole.image))


def test_a_progressive_jpeg_without_its_last_scans_is_shown_in_full() -> None:
    data = saved("JPEG", progressive=True)
    photo = decoded(data, 0.6)
    assert photo.incomplete
    assert photo.image.size == (WIDTH, HEIGHT)
    difference = np.abs(np.asarray(photo.image, dtype=int) - np.asarray(decode_photo(data).image, dtype=int))
    assert difference.mean() < 12


def test_a_scaled_jpeg_has_the_same_share_of_its_rows() -> None:
    photo = decoded(IN_ORDER["JPEG"], 0.7, edge=60)
    assert photo.image.width == WIDTH // 4
    assert photo.image.height / (HEIGHT // 4) == pytest.approx(0.7, abs=0.1)


def test_the_orientation_is_applied_to_what_can_be_shown() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = decoded(saved("JPEG", exif=exif), 0.7)
    assert (photo.width, photo.height) == (HEIGHT, WIDTH)
    assert photo.image.height == WIDTH
    assert photo.image.width / HEIGHT == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize("data", [saved("GIF", interlace=1), saved("WEBP"), saved("TIFF", compression="tiff_lzw")])
def test_formats_whose_rows_are_not_in_order_must_be_complete(data: bytes) -> None:
    with pytest.raises(PhotoError, match="damaged"):
        decoded(data, 0.9)


def test_a_small_picture_must_be_complete() -> None:
    data = saved("PNG", picture().crop((0, 0, 320, 70)))
    with pytest.raises(PhotoError, match="damaged: the file ends after"):
        decoded(data, 0.8)


def test_a_caller_may_require_a_complete_photo() -> None:
    data = IN_ORDER["JPEG"][:-100]
    assert open_photo(data).size == (WIDTH, HEIGHT)
    with pytest.raises(PhotoError, match="damaged: the file ends early"):
        open_photo(data, partial=False)
    assert open_photo(IN_ORDER["JPEG"], partial=False).size == (WIDTH, HEIGHT)


def test_a_file_that_ends_early_has_the_limit_of_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_PIXELS", 10_000)
    with pytest.raises(PhotoError, match="320 x 240 pixels; at most 0 million"):
        decoded(IN_ORDER["PNG"], 0.9)


def test_a_tiff_whose_directory_is_cut_off_is_named_as_damaged() -> None:
    """Pillow writes the directory of a compressed TIFF at its end."""
    with pytest.raises(PhotoError, match="damaged: the directory of a TIFF"):
        decoded(saved("TIFF", compression="tiff_lzw"), 0.9)
