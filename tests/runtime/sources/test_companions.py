"""A raw file and its JPEG are one photo, and so are a Live Photo and its video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photoseek.photos import formats
from photoseek.sources.base import PhotoEntry, ScanGaps
from photoseek.sources.companions import RAW_BESIDE_PICTURE
from photoseek.sources.local import scan
from photoseek.sources.remote_rules import RemoteRules

PAIRS = [
    ("IMG_1.CR2", "IMG_1.JPG"),
    ("DSC1.nef", "dsc1.jpeg"),
    ("R.RAF", "R.HIF"),
    ("IMG_2.DNG", "IMG_2.HEIC"),
    ("PXL_20230102.RAW-02.ORIGINAL.dng", "PXL_20230102.RAW-01.COVER.jpg"),
]


@pytest.fixture(params=[True, False], ids=["with extras", "without"])
def extras(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """Whether raw files are read; HEIC always is."""
    installed = {formats.HEIC.package} | ({formats.RAW.package} if request.param else set())
    monkeypatch.setattr(formats, "find_spec", lambda name: object() if name in installed else None)
    for cached in (formats.photo_suffixes, formats.unread_kinds, formats.has_extra):
        cached.cache_clear()
    yield request.param
    monkeypatch.undo()
    for cached in (formats.photo_suffixes, formats.unread_kinds, formats.has_extra):
        cached.cache_clear()


def scanned(root: Path, *names: str, exclude: tuple[str, ...] = ()) -> tuple[list[str], dict[str, int], dict[str, int]]:
    """Return the photos found, counts by reason, and counts by kind, which are those of object storage as well."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    gaps, remote = ScanGaps(), ScanGaps()
    found = [photo.path for photo in scan(root, gaps, exclude)]
    rules = RemoteRules("bucket", sorted(names), exclude, lambda _: b"", remote)
    assert [key for key in sorted(names) if rules.includes(key)] == sorted(found)
    counts = [_counts(each) for each in (gaps, remote)]
    assert counts[0] == counts[1]
    return sorted(found), *counts[0]


def _counts(gaps: ScanGaps) -> tuple[dict[str, int], dict[str, int]]:
    left_out = {each.reason: each.photos for each in gaps.left_out.left_out()}
    return left_out, {each.kind: each.files for each in gaps.left_out.unread()}


@pytest.mark.usefixtures("extras")
@pytest.mark.parametrize(("raw", "picture"), PAIRS)
def test_of_a_raw_file_and_its_picture_the_picture_is_indexed(tmp_path: Path, raw: str, picture: str) -> None:
    assert scanned(tmp_path, raw, picture) == ([picture], {RAW_BESIDE_PICTURE: 1}, {})


def test_a_raw_file_without_a_picture_in_its_folder_is_a_photo(tmp_path: Path, extras: bool) -> None:
    names = ("IMG_1.CR2", "jpegs/IMG_1.JPG", "IMG_10.JPG", "IMG_1.MOV")
    found, left_out, unread = scanned(tmp_path, *names)
    assert left_out == {}
    if extras:
        assert found == ["IMG_1.CR2", "IMG_10.JPG", "jpegs/IMG_1.JPG"]
        assert unread == {}  # the video belongs to the raw file
    else:
        assert found == ["IMG_10.JPG", "jpegs/IMG_1.JPG"]
        assert unread == {"raw photos": 1, "videos": 1}


@pytest.mark.usefixtures("extras")
@pytest.mark.parametrize("video", ["IMG_1.MOV", "img_1.mov", "IMG_1.MP4", "IMG_1_HEVC.MOV"])
def test_the_video_of_a_live_photo_is_not_counted_as_a_video(tmp_path: Path, video: str) -> None:
    assert scanned(tmp_path, "IMG_1.HEIC", video) == (["IMG_1.HEIC"], {}, {})
    assert scanned(tmp_path, "IMG_1.HEIC", video, "IMG_2.MOV")[2] == {"videos": 1}


@pytest.mark.usefixtures("extras")
def test_the_picture_of_a_raw_live_photo_is_indexed_alone(tmp_path: Path) -> None:
    assert scanned(tmp_path, "IMG_1.DNG", "IMG_1.HEIC", "IMG_1.MOV") == (["IMG_1.HEIC"], {RAW_BESIDE_PICTURE: 1}, {})


def test_a_raw_file_is_indexed_if_its_picture_is_left_out(tmp_path: Path, extras: bool) -> None:
    found, left_out, unread = scanned(tmp_path, "IMG_1.CR2", "IMG_1.JPG", exclude=("*.JPG",))
    assert found == (["IMG_1.CR2"] if extras else [])
    assert unread == ({} if extras else {"raw photos": 1})
    assert RAW_BESIDE_PICTURE not in left_out


def test_a_raw_file_is_indexed_if_its_picture_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.FileKind, "is_read", property(lambda kind: kind is formats.RAW))
    for cached in (formats.photo_suffixes, formats.unread_kinds):
        cached.cache_clear()
    try:
        found: list[PhotoEntry] = list(scan(_made(tmp_path)))
    finally:
        monkeypatch.undo()
        for cached in (formats.photo_suffixes, formats.unread_kinds):
            cached.cache_clear()
    assert sorted(photo.path for photo in found) == ["IMG_1.DNG", "IMG_1.HEIC"]  # the latter is reported


def _made(folder: Path) -> Path:
    for name in ("IMG_1.DNG", "IMG_1.HEIC"):
        (folder / name).write_bytes(b"")
    return folder


def test_the_raw_file_of_a_deleted_picture_is_found(tmp_path: Path, extras: bool) -> None:
    assert scanned(tmp_path, "IMG_1.CR2", "IMG_1.JPG")[0] == ["IMG_1.JPG"]
    (tmp_path / "IMG_1.JPG").unlink()
    found, left_out, _ = scanned(tmp_path, "IMG_1.CR2")
    assert (found, left_out) == (["IMG_1.CR2"] if extras else [], {})
