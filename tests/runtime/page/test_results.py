"""Cards of hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from photoseek.page import hit_facts
from photoseek.page.strings import Strings
from photoseek.search.hits import Hit
from photoseek.search.name_query import Matched
from photoseek.sources.local import LocalSource


@pytest.mark.parametrize(("language", "word"), [("en", "incomplete"), ("zh", "不完整")])
def test_a_card_marks_an_incomplete_photo_in_one_word(
    language: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_facts, "strings", lambda: Strings(language))
    hit = Hit(1, "a.jpg", 0.5, 4, 3, LocalSource(tmp_path), 1)
    assert "incomplete" not in hit_facts.card_facts(hit)
    assert hit_facts.card_facts(replace(hit, incomplete=True))["incomplete"] == word


@pytest.mark.parametrize(
    ("confidence", "low", "matched", "word", "exact"),
    [
        (0.8, False, None, "Very likely", "Confidence 80 % · Cosine 0.300"),
        (0.999, False, None, "Very likely", "Confidence > 99 % · Cosine 0.300"),
        (0.4, False, None, "Likely", "Confidence 40 % · Cosine 0.300"),
        (0.39, False, None, None, None),
        (0.8, True, None, None, None),
        (None, False, None, None, None),
        (None, True, None, None, None),
        (0.02, False, "title", "title", "Cosine 0.300"),
    ],
)
def test_a_card_has_a_word_for_hits_that_likely_match_only(
    confidence: float | None,
    low: bool,
    matched: Matched | None,
    word: str | None,
    exact: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hit_facts, "strings", lambda: Strings("en"))
    source = LocalSource(tmp_path)
    hit = Hit(1, "a.jpg", 0.3, 4, 3, source, 1, confidence=confidence, low_confidence=low, matched=matched)
    facts = hit_facts.card_facts(hit)
    assert (facts.get("word"), facts.get("exact")) == (word, exact)


@pytest.mark.parametrize(
    ("confidence", "text"),
    [
        (0.0, "< 1 %"),
        (0.0094, "< 1 %"),
        (0.0096, "1.0 %"),
        (0.0432, "4.3 %"),
        (0.0384, "3.8 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.17, "17 %"),
        (0.994, "99 %"),
        (0.996, "> 99 %"),
    ],
)
def test_confidences_near_the_line_have_a_decimal(confidence: float, text: str, tmp_path: Path) -> None:
    assert hit_facts.confidence_of(Hit(1, "a.jpg", 0.3, 4, 3, LocalSource(tmp_path), 1, confidence=confidence)) == text
