"""Catalogs of the page: the same texts in each language, and all of them are used."""

from __future__ import annotations

import ast
import string
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photoseek.page import photo_reason, strings
from photoseek.page.album_names import is_favorites

PAGE = Path(strings.__file__).parent
CATALOGUES = {code: tomllib.loads((PAGE / "locale" / f"{code}.toml").read_text("utf-8")) for code in strings.LANGUAGES}
ENGLISH = CATALOGUES["en"]


def used_texts() -> set[str]:
    """Return the names that the page's modules read: ``now.found``, ``strings().found``."""
    return {
        node.attr
        for file in PAGE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("now", "strings()")
    }


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_each_language_has_a_file() -> None:
    assert sorted(strings.LANGUAGES) == sorted(file.stem for file in (PAGE / "locale").glob("*.toml"))


@pytest.mark.parametrize("code", strings.LANGUAGES)
def test_each_language_has_the_same_texts_with_the_same_fields(code: str) -> None:
    assert {name: fields(text) for name, text in CATALOGUES[code].items()} == {
        name: fields(text) for name, text in ENGLISH.items()
    }
    assert all(text.strip() for text in CATALOGUES[code].values())
    assert CATALOGUES[code]["code"] == code


def test_the_page_uses_exactly_the_texts_of_the_catalog() -> None:
    assert used_texts() == set(ENGLISH)


def test_a_text_is_an_attribute() -> None:
    assert strings.Strings("zh").show_more == "显示更多"
    with pytest.raises(AttributeError, match="expected a text named 'nothing_like_it'"):
        _ = strings.Strings("en").nothing_like_it


@pytest.mark.parametrize(
    ("typed", "date"),
    [
        ("2024", "2024"),
        ("2024-05-17", "2024-05-17"),
        (" 2024/5/7 ", "2024-05-07"),
        ("2024.12", "2024-12"),
        ("2024年", "2024"),
        ("2024年5月", "2024-05"),
        ("2024 年 12 月 3 日", "2024-12-03"),
        ("December 2025", "2025-12"),
        ("sept. 2025", "2025-09"),
        ("Smarch 2025", "Smarch 2025"),
        ("last winter", "last winter"),
    ],
)
def test_a_date_is_read_as_people_write_it(typed: str, date: str) -> None:
    assert strings.date_of(typed) == date


@pytest.mark.parametrize("code", strings.LANGUAGES)
def test_a_month_is_read_as_the_page_writes_it(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "strings", lambda: strings.CATALOGUES[code])
    for month in range(1, 13):
        assert strings.date_of(strings.date_label(f"2024-{month:02}")) == f"2024-{month:02}"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("damaged: the file ends after 2% of the picture", "文件已损坏：只有画面的 2%"),
        ("damaged: broken data stream", "文件已损坏：broken data stream"),
        ("not a photo of a known format (JPEG, PNG)", "不是已知格式的照片"),
        ("the file is empty", "文件为空"),
        ("Permission denied", "没有读取权限"),
        ("anything else", "anything else"),
    ],
)
def test_a_frequent_reason_of_an_unreadable_photo_is_translated(
    reason: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_reason, "strings", lambda: strings.CATALOGUES["zh"])
    assert photo_reason.photo_reason(reason) == text


@pytest.mark.parametrize("name", ["Favorites", " 收藏 "])
def test_the_favorites_have_a_name_in_each_language(name: str) -> None:
    assert is_favorites(name)
    assert not is_favorites("Best of")
