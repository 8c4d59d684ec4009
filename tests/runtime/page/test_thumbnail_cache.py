"""Thumbnails on disk: created once, replaced when a photo changes, with a maximum total size."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.gallery.file_names import THUMBNAILS
from photoseek.page import thumbnail_cache
from photoseek.page.thumbnail_cache import ThumbnailCache
from photoseek.sources.local import scan
from photoseek.system.folder_tag import TAG


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.effect_noise((90, 60), 80).save(file)
    return file


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The side of each created thumbnail."""
    sides: list[int] = []
    make_thumbnail = thumbnail_cache.make_thumbnail
    monkeypatch.setattr(
        thumbnail_cache, "make_thumbnail", lambda data, side: sides.append(side) or make_thumbnail(data, side)
    )
    return sides


def cached_in(gallery: Path) -> list[Path]:
    """Return all files in the folder of thumbnails except its tag."""
    return [path for path in (gallery / THUMBNAILS).iterdir() if path.name != TAG]


def test_a_thumbnail_is_created_once_for_two_servers(tmp_path: Path, photo: Path, created: list[int]) -> None:
    first = ThumbnailCache(tmp_path).thumbnail(photo, 40)
    assert ThumbnailCache(tmp_path).thumbnail(photo, 40) == first
    assert created == [40]
    assert first.startswith(b"\xff\xd8\xff")
    ThumbnailCache(tmp_path).thumbnail(photo, 50)
    assert created == [40, 50]


def test_a_changed_photo_has_a_new_thumbnail(tmp_path: Path, photo: Path, created: list[int]) -> None:
    cache = ThumbnailCache(tmp_path)
    cache.thumbnail(photo)
    os.utime(photo, ns=(1, 1))
    cache.thumbnail(photo)
    assert len(created) == 2


def test_a_moved_gallery_keeps_its_thumbnails(tmp_path: Path, created: list[int]) -> None:
    (tmp_path / "before").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "before" / "a.png")
    (tmp_path / "before" / "gallery").mkdir()
    ThumbnailCache(tmp_path / "before" / "gallery").thumbnail(tmp_path / "before" / "a.png")
    (tmp_path / "before").rename(tmp_path / "after")
    ThumbnailCache(tmp_path / "after" / "gallery").thumbnail(tmp_path / "after" / "a.png")
    assert len(created) == 1


def test_a_truncated_thumbnail_is_created_again(tmp_path: Path, photo: Path, created: list[int]) -> None:
    complete = ThumbnailCache(tmp_path).thumbnail(photo)
    file = cached_in(tmp_path)[0]
    file.write_bytes(complete[: len(complete) // 2])
    assert ThumbnailCache(tmp_path).thumbnail(photo) == complete
    assert len(created) == 2


def test_the_least_recently_used_are_evicted(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, max_bytes=20_000)
    for number in range(30):
        file = tmp_path / f"{number}.png"
        Image.effect_noise((80, 80), 90).save(file)
        cache.thumbnail(file)
        newest = max(cached_in(tmp_path), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (number, number))
    left = cached_in(tmp_path)
    assert 5_000 < sum(path.stat().st_size for path in left) <= 20_000
    assert min(path.stat().st_mtime for path in left) > 20


def test_a_scan_ignores_thumbnails(tmp_path: Path, photo: Path) -> None:
    ThumbnailCache(tmp_path).thumbnail(photo)
    assert [found.path for found in scan(tmp_path)] == ["photo.png"]


def test_without_a_folder_thumbnails_are_not_cached(tmp_path: Path, photo: Path) -> None:
    (tmp_path / THUMBNAILS).write_text("not a folder")
    assert ThumbnailCache(tmp_path).thumbnail(photo).startswith(b"\xff\xd8\xff")


def test_a_photo_that_is_gone_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="No such file"):
        ThumbnailCache(tmp_path).thumbnail(tmp_path / "gone.png")


def test_several_are_cached_in_a_new_folder(tmp_path: Path, photo: Path) -> None:
    for number in range(12):
        shutil.copy(photo, tmp_path / f"{number}.png")
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(ThumbnailCache(tmp_path).thumbnail, tmp_path.glob("[0-9]*.png")))
    assert len(pictures) == 12
    assert len(cached_in(tmp_path)) == 12


def test_a_link_in_place_of_a_thumbnail_is_not_followed(tmp_path: Path, photo: Path) -> None:
    complete = ThumbnailCache(tmp_path).thumbnail(photo)
    (place,) = cached_in(tmp_path)
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    (tmp_path / "moved").write_bytes(b"\xff\xd8\xff of somebody else \xff\xd9")
    assert ThumbnailCache(tmp_path).thumbnail(photo) == complete
    assert place.readlink() == tmp_path / "moved"


@pytest.mark.parametrize("path", ["../elsewhere.png", "a/../../elsewhere.png", "/etc/passwd", "ABSOLUTE"])
def test_a_path_out_of_the_photo_folder_is_never_shown(tmp_path: Path, path: str) -> None:
    root = tmp_path / "photos"
    (root / "a").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "elsewhere.png")
    file = root / (str(tmp_path / "elsewhere.png") if path == "ABSOLUTE" else path)
    for links in (True, False):
        with pytest.raises(PhotoError, match="outside the photo folder"):
            ThumbnailCache(root / ".photoseek", root=root, links=links).thumbnail(file)


def test_links_out_of_the_photo_folder_are_followed_on_this_computer_only(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "elsewhere.png")
    Image.new("RGB", (9, 9)).save(root / "here.png")
    (root / "out.png").symlink_to(tmp_path / "elsewhere.png")
    (root / "within.png").symlink_to(root / "here.png")
    (tmp_path / "gallery").mkdir()
    files = sorted(root.iterdir())
    for links, shown in ((True, {"here.png", "out.png", "within.png"}), (False, {"here.png", "within.png"})):
        cache, found = ThumbnailCache(tmp_path / "gallery", root=root, links=links), set()
        for file in files:
            with suppress(PhotoError):
                cache.thumbnail(file)
                found.add(file.name)
        assert found == shown
