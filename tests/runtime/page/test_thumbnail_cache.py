"""Thumbnails on disk: made once, again when the photo changes, all together below a size, and never in the way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from photoseek.errors import PhotoError
from photoseek.gallery.file_names import THUMBNAILS
from photoseek.page import thumbnail_cache
from photoseek.page.thumbnail_cache import Pictures
from photoseek.sources.local import scan
from photoseek.system.folder_tag import TAG


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.effect_noise((90, 60), 80).save(file)
    return file


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The side of each thumbnail that is made."""
    sides: list[int] = []
    make_thumbnail = thumbnail_cache.make_thumbnail
    monkeypatch.setattr(
        thumbnail_cache, "make_thumbnail", lambda data, side: sides.append(side) or make_thumbnail(data, side)
    )
    return sides


def kept_in(gallery: Path) -> list[Path]:
    """Everything in the folder of thumbnails but its tag."""
    return [path for path in (gallery / THUMBNAILS).iterdir() if path.name != TAG]


def test_a_thumbnail_is_made_once_even_by_two_servers(tmp_path: Path, photo: Path, made: list[int]) -> None:
    first = Pictures(tmp_path).of(photo, 40)
    assert Pictures(tmp_path).of(photo, 40) == first
    assert made == [40]
    assert first.startswith(b"\xff\xd8\xff")
    Pictures(tmp_path).of(photo, 50)
    assert made == [40, 50]


def test_a_changed_photo_gets_another(tmp_path: Path, photo: Path, made: list[int]) -> None:
    kept = Pictures(tmp_path)
    kept.of(photo)
    os.utime(photo, ns=(1, 1))
    kept.of(photo)
    assert len(made) == 2


def test_a_gallery_that_moves_with_its_photos_keeps_them(tmp_path: Path, made: list[int]) -> None:
    (tmp_path / "before").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "before" / "a.png")
    (tmp_path / "before" / "gallery").mkdir()
    Pictures(tmp_path / "before" / "gallery").of(tmp_path / "before" / "a.png")
    (tmp_path / "before").rename(tmp_path / "after")
    Pictures(tmp_path / "after" / "gallery").of(tmp_path / "after" / "a.png")
    assert len(made) == 1


def test_what_a_crash_cut_off_is_made_again(tmp_path: Path, photo: Path, made: list[int]) -> None:
    whole = Pictures(tmp_path).of(photo)
    file = kept_in(tmp_path)[0]
    file.write_bytes(whole[: len(whole) // 2])
    assert Pictures(tmp_path).of(photo) == whole
    assert len(made) == 2


def test_all_together_stay_below_the_size_and_the_oldest_go(tmp_path: Path) -> None:
    kept = Pictures(tmp_path, max_bytes=20_000)
    for number in range(30):
        file = tmp_path / f"{number}.png"
        Image.effect_noise((80, 80), 90).save(file)
        kept.of(file)
        newest = max(kept_in(tmp_path), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (number, number))
    left = kept_in(tmp_path)
    assert 5_000 < sum(path.stat().st_size for path in left) <= 20_000
    assert min(path.stat().st_mtime for path in left) > 20


def test_no_scan_takes_one_for_a_photo(tmp_path: Path, photo: Path) -> None:
    Pictures(tmp_path).of(photo)
    assert [found.path for found in scan(tmp_path)] == ["photo.png"]


def test_where_nothing_can_be_written_it_is_shown_all_the_same(tmp_path: Path, photo: Path) -> None:
    (tmp_path / THUMBNAILS).write_text("in the way")
    assert Pictures(tmp_path).of(photo).startswith(b"\xff\xd8\xff")


def test_of_several_each_has_its_picture_or_its_reason(tmp_path: Path, photo: Path) -> None:
    picture, reason = Pictures(tmp_path).thumbnails([photo, tmp_path / "gone.png"])
    assert isinstance(picture, bytes)
    assert isinstance(reason, PhotoError)
    assert "No such file" in str(reason)


def test_several_are_kept_when_the_folder_is_new(tmp_path: Path, photo: Path) -> None:
    for number in range(12):
        shutil.copy(photo, tmp_path / f"{number}.png")
    Pictures(tmp_path).thumbnails([tmp_path / f"{number}.png" for number in range(12)])
    assert len(kept_in(tmp_path)) == 12


def test_a_link_in_the_place_of_a_thumbnail_stays(tmp_path: Path, photo: Path) -> None:
    whole = Pictures(tmp_path).of(photo)
    (place,) = kept_in(tmp_path)
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    (tmp_path / "moved").write_bytes(b"\xff\xd8\xff of somebody else \xff\xd9")
    assert Pictures(tmp_path).of(photo) == whole
    assert place.readlink() == tmp_path / "moved"


@pytest.mark.parametrize("path", ["../elsewhere.png", "a/../../elsewhere.png", "/etc/passwd", "ABSOLUTE"])
def test_a_path_that_leads_out_of_the_photo_folder_is_never_shown(tmp_path: Path, path: str) -> None:
    root = tmp_path / "photos"
    (root / "a").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "elsewhere.png")
    file = root / (str(tmp_path / "elsewhere.png") if path == "ABSOLUTE" else path)
    for links in (True, False):
        with pytest.raises(PhotoError, match="lies outside the photo folder"):
            Pictures(root / ".photoseek", root=root, links=links).of(file)


def test_a_linked_photo_is_shown_to_this_computer_alone(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "elsewhere.png")
    Image.new("RGB", (9, 9)).save(root / "here.png")
    (root / "out.png").symlink_to(tmp_path / "elsewhere.png")
    (root / "within.png").symlink_to(root / "here.png")
    (tmp_path / "gallery").mkdir()
    for links, shown in ((True, {"here.png", "out.png", "within.png"}), (False, {"here.png", "within.png"})):
        made = Pictures(tmp_path / "gallery", root=root, links=links).thumbnails(files := sorted(root.iterdir()))
        assert {file.name for file, jpeg in zip(files, made, strict=True) if isinstance(jpeg, bytes)} == shown
