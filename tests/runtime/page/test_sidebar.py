"""Recent galleries: the latest first, only existing ones, and a damaged file is replaced."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photoseek.page.recent_galleries import find_by_key, gallery_key, recent_galleries, remember


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "photoseek"


def create_galleries(tiny_bundle: Bundle, *folders: Path) -> list[str]:
    for folder in folders:
        folder.mkdir()
        Gallery.create(folder, tiny_bundle).close()
    return [str(folder) for folder in folders]


@pytest.fixture
def folders(tmp_path: Path, tiny_bundle: Bundle) -> list[str]:
    return create_galleries(tiny_bundle, *(tmp_path / name for name in ("one", "two", "照片")))


def test_the_latest_is_first_each_is_listed_once_and_removed_ones_are_not(folders: list[str]) -> None:
    assert recent_galleries() == []
    for folder in (*folders, folders[0]):
        remember(folder)
    assert recent_galleries() == [folders[0], folders[2], folders[1]]
    shutil.rmtree(folders[2])
    assert recent_galleries() == [folders[0], folders[1]]


def test_twelve_are_stored(tmp_path: Path, tiny_bundle: Bundle) -> None:
    folders = create_galleries(tiny_bundle, *(tmp_path / str(number) for number in range(15)))
    for folder in folders:
        remember(folder)
    assert recent_galleries() == folders[:2:-1]


def test_a_gallery_inside_its_photos_has_the_name_of_their_folder(cache: Path, folders: list[str]) -> None:
    remember(folders[0])
    remember(f"{folders[1]}/.photoseek")
    assert recent_galleries() == [folders[1], folders[0]]
    stored = [f"{folders[0]}/.photoseek", folders[1], folders[0]]  # by an older version
    (cache / "recent.json").write_text(json.dumps({"galleries": stored}))
    assert recent_galleries() == folders[:2]


@pytest.mark.parametrize("content", ["", "[]", '{"galleries": 3}', '{"galleries": [1, null]}', "\x00"])
def test_a_damaged_file_is_replaced(cache: Path, folders: list[str], content: str) -> None:
    cache.mkdir(parents=True)
    (cache / "recent.json").write_text(content)
    assert recent_galleries() == []
    remember(folders[0])
    assert recent_galleries() == [folders[0]]


def test_without_a_cache_folder_nothing_is_stored(cache: Path, folders: list[str]) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("not a folder")
    remember(folders[0])
    assert recent_galleries() == []


def test_a_key_stands_only_for_a_gallery_that_was_opened(folders: list[str], tmp_path: Path) -> None:
    key = gallery_key(folders[0])
    assert find_by_key(key) is None
    remember(folders[0])
    assert find_by_key(key) == folders[0]
    assert find_by_key(gallery_key(folders[1])) is None
    assert [find_by_key(given) for given in (folders[0], "", "../..", str(tmp_path))] == [None] * 4


def test_a_key_of_an_earlier_run_is_found_among_the_recent_galleries(
    folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from photoseek.page import recent_galleries as module

    remember(folders[2])
    monkeypatch.setattr(module, "_opened", {})
    assert find_by_key(gallery_key(folders[2])) == folders[2]
