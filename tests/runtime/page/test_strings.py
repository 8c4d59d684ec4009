"""Catalogs of the page: the same texts in each language, and all of them are used."""

from __future__ import annotations

import ast
import string
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed")
from photoseek.page import strings

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
