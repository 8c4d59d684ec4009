"""Recent galleries: the last first, only those that exist, none lost to a broken note."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from photoseek.page.sidebar import recent_galleries, remember


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "photoseek"


@pytest.fixture
def folders(tmp_path: Path, tiny_bundle: Bundle) -> list[str]:
    made = [tmp_path / name for name in ("one", "two", "照片")]
    for folder in made:
        folder.mkdir()
        Gallery.create(folder, tiny_bundle).close()
    return [str(folder) for folder in made]


def test_the_last_opened_comes_first_and_each_once(folders: list[str]) -> None:
    assert recent_galleries() == []
    for folder in (*folders, folders[0]):
        remember(folder)
    assert recent_galleries() == [folders[0], folders[2], folders[1]]


def test_only_those_that_still_exist_are_told(folders: list[str]) -> None:
    for folder in folders:
        remember(folder)
    shutil.rmtree(folders[1])
    assert recent_galleries() == [folders[2], folders[0]]


def test_a_dozen_is_noted(tmp_path: Path, tiny_bundle: Bundle) -> None:
    for number in range(15):
        (tmp_path / str(number)).mkdir()
        Gallery.create(tmp_path / str(number), tiny_bundle).close()
        remember(str(tmp_path / str(number)))
    assert [Path(folder).name for folder in recent_galleries()] == [str(number) for number in range(14, 2, -1)]


@pytest.mark.parametrize("note", ["", "[]", '{"galleries": 3}', '{"galleries": [1, null]}', "\x00"])
def test_a_broken_note_is_none(cache: Path, folders: list[str], note: str) -> None:
    cache.mkdir(parents=True)
    (cache / "recent.json").write_text(note)
    assert recent_galleries() == []
    remember(folders[0])
    assert recent_galleries() == [folders[0]]


def test_where_nothing_can_be_written_nothing_is_noted(cache: Path, folders: list[str]) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("in the way")
    remember(folders[0])
    assert recent_galleries() == []
