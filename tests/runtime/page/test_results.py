"""Cards of hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from photoseek.page import hit_facts
from photoseek.page.strings import Strings
from photoseek.search.hits import Hit
from photoseek.sources.local import LocalSource


@pytest.mark.parametrize(("language", "word"), [("en", "incomplete"), ("zh", "不完整")])
def test_a_card_marks_an_incomplete_photo_in_one_word(
    language: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_facts, "strings", lambda: Strings(language))
    hit = Hit(1, "a.jpg", 0.5, 4, 3, LocalSource(tmp_path), 1)
    assert "incomplete" not in hit_facts.card_facts(hit, 0.5)
    assert hit_facts.card_facts(replace(hit, incomplete=True), 0.5)["incomplete"] == word


@pytest.mark.parametrize(
    ("confidence", "score", "best", "likeness", "exact"),
    [
        (0.8, 0.3, 0.6, 0.8, "Confidence 80 % · Cosine 0.300"),
        (0.999, 0.3, 0.6, 0.999, "Confidence > 99 % · Cosine 0.300"),
        (None, 0.3, 0.6, 0.5, "Cosine 0.300"),
        (None, -0.2, 0.6, 0.0, "Cosine -0.200"),
        (None, -0.2, -0.1, 0.0, "Cosine -0.200"),
    ],
)
def test_the_likeness_is_the_confidence_or_the_share_of_the_best_cosine(
    confidence: float | None,
    score: float,
    best: float,
    likeness: float,
    exact: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hit_facts, "strings", lambda: Strings("en"))
    hit = Hit(1, "a.jpg", score, 4, 3, LocalSource(tmp_path), 1, confidence=confidence)
    facts = hit_facts.card_facts(hit, best)
    assert (facts["likeness"], facts["exact"]) == (likeness, exact)
