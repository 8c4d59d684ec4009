"""Cards of hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from photoseek.page import results
from photoseek.page.strings import Strings
from photoseek.search.hits import Hit
from photoseek.sources.local import LocalSource


@pytest.mark.parametrize(("language", "word"), [("en", "incomplete"), ("zh", "不完整")])
def test_a_card_marks_an_incomplete_photo_in_one_word(
    language: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "strings", lambda: Strings(language))
    hit = Hit(1, "a.jpg", 0.5, 4, 3, LocalSource(tmp_path), 1)
    assert "incomplete" not in results._card(hit, b"")
    assert results._card(replace(hit, incomplete=True), b"")["incomplete"] == word
