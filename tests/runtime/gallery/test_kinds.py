"""Photos of every kind in one folder: those that an extra reads are indexed with it, and counted without it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, features

import raw_files
from photoseek import Bundle, Gallery, Searcher
from photoseek.gallery.database.left_out_files import left_out_files
from photoseek.gallery.filters import TYPES, Filter
from photoseek.photos import formats
from photoseek.photos.jpeg_xl import register_jpeg_xl
from photoseek.service.photo_files import PhotoContent
from photoseek.sources.companions import RAW_BESIDE_PICTURE
from tiny_bundle import COLORS


def saved(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (96, 64), COLORS["red"]).save(file, form)
    return file.getvalue()


def heic() -> bytes:
    formats.register_heif()
    return saved("HEIF")


def jpeg_xl() -> bytes:
    register_jpeg_xl()
    return saved("JXL")


KINDS: dict[str, tuple[str, Callable[[], bytes], bool, str]] = {
    "a.dng": ("raw", lambda: raw_files.dng(preview=raw_files.jpeg((320, 240), COLORS["red"])),
              formats.has_extra("raw"), "image/x-dcraw"),
    "a.jxl": ("jxl", jpeg_xl, formats.has_extra("jxl"), "image/jxl"),
    "a.heic": ("heic", heic, formats.can_decode_heif(), "image/heif"),
    "a.jp2": ("jpeg2000", lambda: saved("JPEG2000"), bool(features.check("jpg_2000")), "image/jp2"),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_photo_of_each_kind_is_indexed_found_by_its_type_and_served(
    name: str, photos: Path, tiny_bundle: Bundle
) -> None:
    kind, content, installed, media_type = KINDS[name]
    if not installed:
        pytest.skip(f"{kind} is not installed")
    (photos / name).write_bytes(content())
    gallery = Gallery.create(photos, tiny_bundle)
    report = gallery.index()
    assert (report.unreadable, report.unread, report.encoded) == ([], [], 25)
    (hit,) = Searcher(gallery).search("red", k=25, where=Filter(type=kind))
    assert hit.path == name
    assert (hit.width, hit.height) == ((640, 480) if kind == "raw" else (96, 64))
    assert PhotoContent(photos / name, name, (0, 0)).media_type() == media_type


def test_each_suffix_has_one_type() -> None:
    endings = [f".{ending}" for each in TYPES.values() for ending in each]
    assert sorted(endings) == sorted(formats.SUFFIXES | formats.RAW.suffixes | formats.JPEG_XL.suffixes)


def test_without_the_extras_the_files_are_counted(
    photos: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.dng", "b.CR2", "c.jxl", "d.nef", "d.jpg"):
        (photos / name).write_bytes(saved("JPEG"))
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    caches = (formats.photo_suffixes, formats.unread_kinds, formats.has_extra)
    for cached in caches:
        cached.cache_clear()
    try:
        gallery = Gallery.create(photos, tiny_bundle)
        report = gallery.index()
    finally:
        monkeypatch.undo()
        for cached in caches:
            cached.cache_clear()
    assert report.encoded == 25
    assert {(each.kind, each.files, each.extra) for each in report.unread} == {
        ("raw photos", 2, "raw"),
        ("JPEG XL photos", 1, "jxl"),
    }
    assert [(each.reason, each.photos) for each in report.left_out] == [(RAW_BESIDE_PICTURE, 1)]
    assert left_out_files(gallery.database) == (report.left_out, report.unread)
