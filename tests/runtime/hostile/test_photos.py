"""Malicious photos: limits of bytes, pixels and memory; truncated and mislabeled files."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from photo_mutations import seeds, tiled_tiff
from photoseek import Bundle, Gallery
from photoseek.encoders.encoders import ImageEncoder
from photoseek.errors import PhotoError
from photoseek.gallery.indexing import pipeline
from photoseek.gallery.indexing.thread_pool import ThreadBackend
from photoseek.gallery.thumbnails import make_thumbnail
from photoseek.photos import decode as decoder
from photoseek.photos import formats
from photoseek.photos.decode import decode_photo, exif_date, open_photo, photo_format, read_photo
from photoseek.photos.pillow_warnings import suppress_pillow_warnings
from photoseek.photos.preprocessing import Preprocessing
from photoseek.photos.rgb import to_rgb
from tiny_bundle import COLORS
from tiny_photos import write_color

BINARY = sorted(seeds().keys() - {"pgm-plain"})  # text ends with the file only


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)  # type: ignore[arg-type]
    return file.getvalue()


def test_a_file_of_half_a_gigabyte_is_refused_before_it_is_read(photos: Path, tiny_bundle: Bundle) -> None:
    """The file is sparse: reading it would exhaust the memory."""
    with (photos / "huge.jpg").open("wb") as file:
        file.truncate(40_000_000_000)
    reason = "a file of 40,000 MB; at most 512 MB are read"
    with pytest.raises(PhotoError, match=reason):
        read_photo(photos / "huge.jpg")
    with pytest.raises(PhotoError, match=reason):
        photo_format(photos / "huge.jpg")
    assert exif_date(photos / "huge.jpg") == ""
    gallery = Gallery.create(photos, tiny_bundle)
    assert gallery.index().unreadable == [("huge.jpg", reason)]


def test_bytes_and_a_growing_file_have_the_same_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_BYTES", 1_000_000)
    with pytest.raises(PhotoError, match="a file of 2 MB; at most 1 MB"):
        open_photo(bytes(2_000_000))
    (tmp_path / "grows.jpg").write_bytes(bytes(2_000_000))
    before = os.fstat(0)
    monkeypatch.setattr(decoder.os, "fstat", lambda _: os.stat_result((0o100644, *before[1:6], 10, *before[7:])))
    with pytest.raises(PhotoError, match="a file of 1 MB; at most 1 MB"):
        read_photo(tmp_path / "grows.jpg")


def test_every_function_has_the_limit_of_pixels(tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_PIXELS", 1_000_000)
    data = saved(Image.new("L", (2000, 1000)), "PNG")
    with Image.open(io.BytesIO(data)) as opened:
        for call in (
            lambda: open_photo(opened),
            lambda: ImageEncoder(tiny_bundle).encode([opened]),
            lambda: ImageEncoder(tiny_bundle).encode([data]),
            lambda: make_thumbnail(data, 100),
            lambda: decode_photo(data, 10),
        ):
            with pytest.raises(PhotoError, match="2000 x 1000 pixels; at most 1 million"):
                call()
        assert opened.tile, "it was loaded"


def test_a_tile_above_the_limit_is_refused_in_a_small_picture() -> None:
    assert open_photo(tiled_tiff()).size == (16, 16)
    with pytest.raises(PhotoError, match="32768 x 8192 pixels; at most 150 million"):
        open_photo(tiled_tiff(tile=(32_768, 8_192)))


def test_a_canvas_larger_than_any_frame_of_webp_is_refused() -> None:
    """libwebp takes a minute for one of 8 million x 12, in a file of 396 bytes."""
    data = bytearray(seeds()["webp-animated"])
    assert data[12:16] == b"VP8X"
    data[24:27] = (16_383).to_bytes(3, "little")  # one less than the width
    with pytest.raises(PhotoError, match="16384 x 12 pixels; WebP has at most 16383 a side"):
        open_photo(bytes(data))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("size", [(1, 65_000), (65_000, 1), (3, 40_000)])
def test_an_elongated_picture_is_decoded_and_preprocessed(
    form: str, size: tuple[int, int], tiny_bundle: Bundle
) -> None:
    data = saved(Image.new("RGB", size, COLORS["red"]), form)
    photo = decode_photo(data, 256)
    assert (photo.width, photo.height) == size
    for preprocessing in (Preprocessing(), Preprocessing(224, 224, None), Preprocessing(32, 64, 64, resample=1)):
        found = np.asarray(preprocessing.resize_and_crop(photo.image))
        assert np.abs(found - np.array(COLORS["red"])).max() <= 2
    (vector,) = ImageEncoder(tiny_bundle).encode([data])
    assert np.isfinite(vector).all()
    with Image.open(io.BytesIO(make_thumbnail(data, 400))) as small:
        assert max(small.size) <= 400


def test_a_picture_that_is_reduced_ten_thousandfold_has_the_same_order() -> None:
    """Blocks are averaged first: Pillow's weights for 20 million x 1 would take half a gigabyte."""
    long = Image.new("L", (20_000_000, 1))
    long.paste(255, (10_000_000, 0, 20_000_000, 1))
    short = Image.new("L", (800, 1))
    short.paste(255, (400, 0, 800, 1))
    expected = np.asarray(short.resize((8, 8), Image.Resampling.BILINEAR), dtype=int)
    found = np.asarray(Preprocessing(8, 8, None).resize_and_crop(long), dtype=int)
    assert np.abs(found - expected[..., None]).max() <= 1
    assert Preprocessing(8, 8, 8).resize_and_crop(long).size == (8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I;16B", "I", "F"])
def test_conversion_in_blocks_equals_that_of_the_entire_picture(mode: str) -> None:
    """Whether 32-bit grays have 8 bits depends on the maximum of the entire picture: its first block is dark."""
    values = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)
    if mode in ("I", "F"):
        image = Image.fromarray(values.astype({"I": np.int32, "F": np.float32}[mode]))
    elif mode.startswith("I;16"):
        image = Image.frombytes(mode, (50, 40), values.astype("<u2" if mode == "I;16" else ">u2").tobytes())
    else:
        image = Image.fromarray((values % 251).astype(np.uint8)).convert("RGBA")
        image.putalpha(Image.fromarray((values % 7 * 40).astype(np.uint8)))
        image = image.convert(mode) if mode != "P" else image.convert("RGB").quantize(16)
    expected = np.asarray(to_rgb(image))
    for block in (7, 130, 1999):
        np.testing.assert_array_equal(np.asarray(to_rgb(image, block)), expected)


def test_a_large_picture_is_reduced_to_twice_the_size_needed() -> None:
    rows, columns = np.mgrid[0:900, 0:1200]
    data = saved(Image.fromarray(np.stack([rows / 4, columns / 5, (rows + columns) / 9], -1).astype(np.uint8)), "PNG")
    full = decode_photo(data, 100)
    small = decode_photo(data, 100, large=1_000_000)
    assert (small.width, small.height, small.image.size) == (1200, 900, (300, 225))
    found, expected = (Preprocessing(64, 64, 100).resize_and_crop(photo.image) for photo in (small, full))
    assert np.abs(np.asarray(found, dtype=int) - np.asarray(expected, dtype=int)).max() <= 2


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]

    def count(image: Image.Image) -> Image.Image:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1
        return image.convert("RGB")

    monkeypatch.setattr(decoder, "to_rgb", count)
    workers = [threading.Thread(target=decode_photo, args=(seeds()["png"], None, 100)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == [1]


def test_a_16_bit_picture_takes_little_more_memory_than_its_pixels(tmp_path: Path) -> None:
    """25 million pixels: 50 MB, 100 MB as RGB, and several times 200 MB in floating point."""
    pack = zlib.compressobj(1)
    side, row = 5_000, bytes(1 + 2 * 5_000)
    rows = b"".join(pack.compress(row * 100) for _ in range(side // 100)) + pack.flush()
    (tmp_path / "deep.png").write_bytes(png(side, side, 16, 0, rows))
    code = f"""
import resource
from photoseek.photos.decode import decode_photo
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
decode_photo({str(tmp_path / "small.png")!r}, 224)
before = peak()
assert decode_photo({str(tmp_path / "deep.png")!r}, 224).width == {side}
print(peak() - before)
"""
    Image.new("RGBA", (9, 9)).save(tmp_path / "small.png")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) < 290  # MB


def png(width: int, height: int, depth: int, color: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    head = width.to_bytes(4) + height.to_bytes(4) + bytes((depth, color, 0, 0, 0))
    chunks = [(b"IHDR", head), *more, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4) for name, body in chunks
    )


@pytest.mark.parametrize("chunk", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_text_that_decompresses_to_a_gigabyte_is_harmless(chunk: bytes) -> None:
    pack = zlib.compressobj(9)
    bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(64)) + pack.flush()
    head = b"k\0\1\0\0\0" if chunk == b"iTXt" else b"k\0\0"
    data = png(1, 1, 8, 0, zlib.compress(b"\0\7"), (chunk, head + bomb))
    decoded = photo_or_none(data)  # either is right
    assert decoded is None or decoded.getpixel((0, 0)) == (7, 7, 7)


@pytest.mark.parametrize("name", BINARY)
def test_a_truncated_photo_is_refused_or_complete(name: str) -> None:
    """It never has gray in place of the missing part."""
    data = seeds()[name]
    expected = np.asarray(open_photo(data))
    for length in range(0, len(data), max(1, len(data) // 40)):
        try:
            found = np.asarray(open_photo(data[:length]))
        except PhotoError:
            continue
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", BINARY)
def test_data_after_a_photo_is_ignored(name: str) -> None:
    data = seeds()[name]
    expected = np.asarray(open_photo(data))
    np.testing.assert_array_equal(np.asarray(open_photo(data + b"<?php evil(); ?>" + bytes(999))), expected)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    for source in (tmp_path / "empty.jpg", b""):
        with pytest.raises(PhotoError, match=r"^the file is empty$"):
            decode_photo(source)


def test_the_content_determines_the_format_and_not_the_suffix(tmp_path: Path) -> None:
    for name, data in seeds().items():
        file = tmp_path / f"{name}.jpg"
        file.write_bytes(data)
        assert open_photo(file).size == open_photo(data).size
    (tmp_path / "page.jpg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    with pytest.raises(PhotoError, match="not a photo of a known format"):
        open_photo(tmp_path / "page.jpg")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "MPO", "TIFF", "PNG", "AVIF"])
def test_the_first_of_several_frames_is_decoded(form: str) -> None:
    if form in ("WEBP", "AVIF") and not features.check(form.lower()):
        pytest.skip(f"this build of Pillow has no {form}")
    first, second = (Image.new("RGB", (16, 16), COLORS[color]) for color in ("red", "blue"))
    data = saved(first, form, save_all=True, append_images=[second])
    with Image.open(io.BytesIO(data)) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert np.abs(np.asarray(open_photo(data), dtype=int) - COLORS["red"]).max() < 12


def test_a_cycle_of_tiff_directories_ends() -> None:
    data = bytearray(tiled_tiff())
    entries = int.from_bytes(data[8:10], "little")
    data[10 + 12 * entries : 14 + 12 * entries] = (8).to_bytes(4, "little")
    assert open_photo(bytes(data)).size == (16, 16)


def test_warnings_of_pillow_are_neither_errors_nor_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """In tests each warning is an error, as with ``python -W error``; Pillow warns above 89 million pixels."""
    assert warnings.filters[0][0] == "error"
    rows = zlib.compress(bytes(9_500 * (1 + 9_500 // 8 + 1)), 1)
    assert decode_photo(png(9_500, 9_500, 1, 0, rows), 224).width == 9_500
    broken = bytearray(seeds()["tiff-lzw"])
    broken[20:60] = bytes(range(200, 240))
    with pytest.raises(PhotoError):
        open_photo(bytes(broken))
    for name, data in seeds().items():
        if name.startswith("tiff"):
            for place in range(8, len(data), 9):
                photo_or_none(data[:place] + b"\xff\xff" + data[place + 2 :])
    assert capfd.readouterr() == ("", "")


def photo_or_none(data: bytes) -> Image.Image | None:
    try:
        return open_photo(data)
    except PhotoError:
        return None


def test_other_warnings_are_not_suppressed() -> None:
    before = list(warnings.filters)
    with suppress_pillow_warnings():
        with pytest.raises(UserWarning, match="mine"):
            warnings.warn("mine", stacklevel=1)
        with suppress_pillow_warnings():
            warnings.warn_explicit("theirs", UserWarning, "x.py", 1, module="PIL.Image")
        warnings.warn_explicit("theirs", UserWarning, "x.py", 1, module="PIL.Image")
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning, match="theirs"):
        warnings.warn_explicit("theirs", UserWarning, "x.py", 1, module="PIL.Image")
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("PIL").handlers)


def test_malicious_photos_are_reported_and_tried_again_only_after_a_change(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Path(__file__).with_name("corpus")
    for file in corpus.iterdir():
        (photos / f"{file.name}.jpg").write_bytes(file.read_bytes())
    readable = {file.name for file in corpus.iterdir() if formats.can_decode_heif() or not file.name.startswith("heif")}
    gallery = Gallery.create(photos, tiny_bundle)
    report = gallery.index()
    assert {path for path, _ in report.unreadable} == {f"{file.name}.jpg" for file in corpus.iterdir()}
    assert all(reason for _, reason in report.unreadable)
    assert report.encoded == 24
    tried: list[str] = []
    decode = pipeline.decode_photo
    monkeypatch.setattr(pipeline, "decode_photo", lambda data, edge: tried.append("") or decode(data, edge))
    gallery.index()
    assert tried == []
    changed = sorted(readable)[0]
    write_color(photos / "new.png", COLORS["red"], seed=5).rename(photos / f"{changed}.jpg")
    assert f"{changed}.jpg" not in dict(gallery.index().unreadable)
    assert len(tried) == 1


def test_a_photo_is_tried_again_if_memory_ran_out(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow raises an OSError; the next indexing tries the photo again although it did not change."""
    decode, short = decode_photo, iter([True])

    def fail(*_: object) -> None:
        raise OSError("out of memory when reading image file")

    def decode_one_less(data: bytes, edge: int | None) -> object:
        if next(short, False):
            with monkeypatch.context() as patch:
                patch.setattr("photoseek.photos.decode.to_rgb", fail)
                return decode(data, edge)
        return decode(data, edge)

    monkeypatch.setattr("photoseek.gallery.indexing.pipeline.decode_photo", decode_one_less)
    gallery = Gallery.create(photos, tiny_bundle)
    report = gallery.index(backend=ThreadBackend(workers=1))
    assert (report.encoded, report.unreadable) == (23, [])
    assert [reason for _, reason in report.skipped] == ["not enough memory to decode it now"]
    assert gallery.index().encoded == 1
