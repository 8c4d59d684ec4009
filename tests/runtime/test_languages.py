"""Scripts are counted, and the one that says more decides."""

from __future__ import annotations

import pytest

from photoseek.languages import language_of, script_counts


@pytest.mark.parametrize(
    ("text", "han", "latin", "language"),
    [
        ("A dog in the snow .", 0, 5, "en"),
        ("狗在雪地里。", 5, 0, "zh"),
        ("NBA比赛", 2, 1, "zh"),
        ("A man eats 面条", 2, 3, "en"),
        ("café", 0, 1, "en"),
        ("1234 !", 0, 0, "other"),
        ("", 0, 0, "other"),
    ],
)
def test_the_script_tells_the_language(text: str, han: int, latin: int, language: str) -> None:
    assert script_counts(text) == {"han": han, "latin": latin}
    assert language_of(text) == language
