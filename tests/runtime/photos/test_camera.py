"""The camera of a photo: its name, where each format has it, and what damaged EXIF does."""

from __future__ import annotations

import io

import pytest
from PIL import ExifTags, Image, ImageFile

import raw_files
from photoseek.photos import formats
from photoseek.photos.camera import camera_name
from photoseek.photos.decode import photo_metadata
from photoseek.photos.jpeg_xl import register_jpeg_xl

needs_heif = pytest.mark.skipif(not formats.can_decode_heif(), reason="pillow-heif is not installed")
needs_jxl = pytest.mark.skipif(not formats.has_extra("jxl"), reason="pillow-jxl-plugin is not installed")
needs_rawpy = pytest.mark.skipif(not formats.has_extra("raw"), reason="rawpy is not installed")


def exif(make: object = "Canon", model: object = "Canon EOS R6") -> Image.Exif:
    found = Image.Exif()
    found[ExifTags.Base.Make], found[ExifTags.Base.Model] = make, model
    return found


def saved(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(file, form, **options)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS R6", "Canon EOS R6"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("EASTMAN KODAK COMPANY", "KODAK Z712", "KODAK Z712"),
        ("LG Electronics", "LG-H870", "LG-H870"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("samsung", "SM-G991B", "samsung SM-G991B"),
        ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
        ("Canon\0\0", "Canon EOS R6  \0\0\0", "Canon EOS R6"),
        ("  Canon ", " EOS\n R6\t", "Canon EOS R6"),
        ("Canon", "EOS R6\0left over", "Canon EOS R6"),
        ("\x1b[31mRed\u202e", "One", "[31mRed One"),
        ("Leica", "", "Leica"),
        ("", "X100", "X100"),
        ("\0", " ", ""),
        (None, 7, ""),
        (b"Canon", ("EOS", "R6"), ""),
        ("a" * 300, "b", "a" * 100),
    ],
)
def test_make_and_model_are_one_name(make: object, model: object, expected: str) -> None:
    assert camera_name(make, model) == expected


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_camera_is_read_without_decoding_the_photo(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, plain = saved(form, exif=exif()), saved(form)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("the photo was decoded"))
    assert photo_metadata(data).camera == "Canon EOS R6"
    assert photo_metadata(plain).camera == ""


def test_the_exif_of_a_png_may_follow_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved("PNG", exif=exif())
    start, last = data.index(b"eXIf") - 4, data.index(b"IEND") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    moved = data[:start] + data[end:last] + data[start:end] + data[last:]
    assert Image.open(io.BytesIO(moved)).getexif()[ExifTags.Base.Make] == "Canon"
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("the photo was decoded"))
    assert photo_metadata(moved).camera == "Canon EOS R6"
    assert photo_metadata(moved[: moved.index(b"eXIf")]).camera == ""


@needs_heif
def test_the_camera_of_a_heic_photo_is_read() -> None:
    formats.register_heif()
    assert photo_metadata(saved("HEIF", exif=exif("Apple", "iPhone 12").tobytes())).camera == "Apple iPhone 12"
    assert photo_metadata(saved("HEIF")).camera == ""


@needs_jxl
@pytest.mark.parametrize("offset", [b"", bytes(4), b"\0\0\0\6Exif\0\0"])
def test_the_camera_of_a_jpeg_xl_is_read_from_its_boxes(offset: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    register_jpeg_xl()
    data = saved("JXL", lossless=True, effort=1, use_container=True)
    tiff = offset + exif().tobytes().removeprefix(b"Exif\0\0")
    monkeypatch.setattr("pillow_jxl.JpegXLImagePlugin.Decoder", lambda **_: pytest.fail("the decoder was called"))
    assert photo_metadata(data + (8 + len(tiff)).to_bytes(4) + b"Exif" + tiff).camera == "Canon EOS R6"
    assert photo_metadata(data + bytes(4) + b"Exif" + tiff).camera == "Canon EOS R6"  # a last box up to the end
    for damaged in (data, data + bytes(4) + b"Exif", data + bytes(4) + b"Exif" + tiff[:20], data[:20]):
        assert photo_metadata(damaged).camera == ""


@pytest.mark.parametrize("preview", [None, raw_files.jpeg((320, 240), (40, 200, 60))], ids=["developed", "preview"])
def test_the_camera_of_a_raw_file_is_read_from_its_directory(preview: bytes | None) -> None:
    assert photo_metadata(raw_files.dng(preview=preview)).camera == "photoseek drawn"


@needs_rawpy
def test_the_camera_of_other_raw_files_is_that_of_their_preview() -> None:
    """The directories of ORF are those of TIFF; LibRaw adds EXIF to a preview without it."""
    data = raw_files.dng(preview=raw_files.jpeg((320, 240), (40, 200, 60)))
    assert photo_metadata(b"IIRO" + data[4:]).camera == "photoseek drawn"
    assert photo_metadata(b"IIRO" + raw_files.dng()[4:]).camera == ""
    assert photo_metadata(b"IIRO" + data[4:300]).camera == ""


@pytest.mark.parametrize("start", [b"MM\0*", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\xff\xff\xff\xff", b"nonsense"])
def test_damaged_exif_names_no_camera(start: bytes) -> None:
    data = saved("JPEG", exif=exif())
    at = data.index(b"Exif\0\0") + 6
    assert photo_metadata(data).camera == "Canon EOS R6"
    assert photo_metadata(data[:at] + start.ljust(40, b"\xff") + data[at + 40 :]).camera == ""
