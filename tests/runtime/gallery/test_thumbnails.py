"""Thumbnails: small, upright, and cached until the photo changes."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.gallery import thumbnails
from photoseek.gallery.thumbnails import data_uri, make_thumbnail, thumbnail


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return image.convert("RGB")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("size", [(1600, 900), (900, 1600), (1, 5000), (40, 30)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_thumbnail_fits_the_square_keeps_its_shape_and_never_grows(size: tuple[int, int], kind: str) -> None:
    found = opened(make_thumbnail(encoded(Image.new("RGB", size), kind), 200)).size
    scale = min(1.0, 200 / max(size))
    assert found == pytest.approx([max(1, side * scale) for side in size], abs=1)


def test_a_jpeg_decoded_at_reduced_size_is_the_same_picture() -> None:
    rows, columns = np.mgrid[0:1200, 0:1600]
    picture = Image.fromarray(np.stack([rows / 5, columns / 7, (rows + columns) / 12], -1).astype(np.uint8))
    small = np.asarray(opened(make_thumbnail(encoded(picture, "JPEG", quality=95), 160)), dtype=float)
    expected = np.asarray(picture.resize((160, 120), Image.Resampling.BOX), dtype=float)
    assert np.abs(small - expected).mean() < 2


def test_a_rotated_photo_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert opened(make_thumbnail(encoded(Image.new("RGB", (400, 200)), "JPEG", exif=exif), 100)).size == (50, 100)


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + bytes(200)])
def test_a_broken_photo_is_refused_with_its_reason(data: bytes) -> None:
    with pytest.raises(PhotoError, match=r"\w"):
        make_thumbnail(data)


def test_a_missing_photo_is_refused_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="No such file"):
        thumbnail(tmp_path / "missing.jpg")


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="regular"):
        thumbnail(tmp_path / "pipe.jpg")


def test_a_thumbnail_is_cached_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    read = thumbnails.read_photo
    monkeypatch.setattr(thumbnails, "read_photo", lambda path: reads.append(path) or read(path))
    file = tmp_path / "photo.png"
    Image.new("RGB", (30, 20), "red").save(file)
    assert thumbnail(file) is thumbnail(file)
    assert len(reads) == 1
    Image.new("RGB", (60, 50), "blue").save(file)
    assert opened(thumbnail(file)).size == (60, 50)
    assert len(reads) == 2


def test_the_number_of_cached_thumbnails_is_bounded() -> None:
    assert thumbnails._cached.cache_info().maxsize == 256


def test_a_data_uri_contains_the_bytes() -> None:
    assert data_uri(b"abc") == "data:image/jpeg;base64,YWJj"
