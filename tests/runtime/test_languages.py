"""The language of a text is detected from its script, and mixed text is split by words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoseek.languages import (
    CHARACTERS_PER_WORD,
    LANGUAGES,
    detect_language,
    split_by_language,
    unread_share,
    word_spans,
    words_in,
)

ROUTES = {
    "two dogs on a beach": "en",
    "沙滩上的两只狗": "zh",
    "在雪地中奔跑的狗。": "zh",
    "在雪地中奔跑的狗！？…": "zh",
    "兩隻狗在雪地裡奔跑": "zh",  # traditional
    "𠮷野家": "zh",  # beyond the basic plane
    "⼈⼭": "zh",  # radicals of the Kangxi dictionary
    "々〇": "zh",
    "狗": "zh",
    "dog": "en",
    "一只 dog 在雪地里": "zh",
    "一只dog在雪地里": "zh",
    "photo of 故宫 at night": "en",
    "故宫 at night": "en",
    "北京故宫 at night": "zh",
    "two dogs 两只狗": "zh",  # two words each
    "穿着T恤的男人": "zh",
    "T恤": "zh",
    "卡拉OK": "zh",
    "NBA球员": "zh",
    "3只狗": "zh",
    "2024 狗": "zh",
    "３ dogs": "en",
    "ＴＷＯ ｄｏｇｓ": "en",  # full-width Latin
    "ＤＶＤ架子": "zh",
    "犬が雪の中を走る": "zh",  # Japanese: its Han characters are all that a tower reads
    "собака на снегу": "en",
    "un garçon à vélo": "en",
    "un garc\u0327on": "en",
    "don't walk": "en",
    "서울 거리": "en",
    "dog\u200d\ufe0f🐕": "en",
    "🐕🐕狗🐕": "zh",
    "狗\ufe0f\U000e0100": "zh",
    "\u202e狗\u202c": "zh",  # written from right to left
    "\u200b\u2060狗": "zh",
    "\ud83d狗": "zh",  # half of a surrogate pair
}
WORDLESS = [
    "",
    " ",
    "\n\t\u3000",
    "123",
    "１２３",
    "🐕🏖️",
    "?!…。，！",
    "---",
    "\u200b\ufeff",
    "\ud800",
    "\u0301",
    "'",
    "_",
]


@pytest.mark.parametrize(("text", "language"), ROUTES.items())
def test_a_text_is_in_the_language_of_most_of_its_words(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", [*WORDLESS, "かわいい", "ㄅㄆㄇ", "ｶﾒﾗ"])
def test_a_text_without_words_has_the_default_language(text: str) -> None:
    assert split_by_language(text) == []
    assert detect_language(text) == "other"
    assert detect_language(text, "en") == "en"


def test_mixed_text_is_split_by_words() -> None:
    """Four English words; two characters, which are 1.33 words: 4 / 5.33 = 0.75."""
    english, chinese = split_by_language("photo of 故宫 at night!")
    assert (english.language, english.text) == ("en", "photo of at night!")
    assert (chinese.language, chinese.text) == ("zh", "故宫")
    assert english.weight == pytest.approx(0.75)
    assert chinese.weight == pytest.approx(0.25)


def test_digits_and_punctuation_belong_to_adjacent_words() -> None:
    chinese, english = split_by_language("“一只 black dog 在雪地里，2只猫。")
    assert chinese.text == "“一只 在雪地里，2只猫。"
    assert english.text == "black dog"
    assert chinese.weight == pytest.approx((8 / CHARACTERS_PER_WORD) / (8 / CHARACTERS_PER_WORD + 2))


def test_letters_in_a_chinese_word_are_chinese() -> None:
    chinese, english = split_by_language("穿T恤的NBA球员 jumping")
    assert (chinese.text, english.text) == ("穿T恤的NBA球员", "jumping")
    assert [span.text for span in split_by_language("一个穿着T恤的男人。")] == ["一个穿着T恤的男人。"]


def test_an_apostrophe_or_an_accent_does_not_split_a_word() -> None:
    first, second = split_by_language("don't cafe\u0301s 狗")
    assert first.weight == pytest.approx(2 / (2 + 1 / CHARACTERS_PER_WORD))
    assert (first.text, second.text) == ("don't cafe\u0301s", "狗")


@pytest.mark.parametrize("text", ["  two dogs, 3 cats! ", " 两只狗，3只猫！ "])
def test_text_of_one_language_is_unchanged(text: str) -> None:
    assert [span.text for span in split_by_language(text)] == [text]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_split_completely(text: str) -> None:
    """No letter is lost or duplicated, and the weights add up to one."""
    found = split_by_language(text)
    assert {span.language for span in found} <= set(LANGUAGES)
    assert len({span.language for span in found}) == len(found)
    if found:
        assert sum(span.weight for span in found) == pytest.approx(1)
        assert [span.weight for span in found] == sorted((span.weight for span in found), reverse=True)
        together = "".join(span.text for span in found)
        assert sorted("".join(together.split())) == sorted("".join(text.split()))


@given(st.text(st.characters(max_codepoint=127)), st.sampled_from((["en"], ["zh"], ["en", "zh"])))
def test_ascii_text_is_split_like_any_other(text: str, languages: list[str]) -> None:
    """An ellipsis belongs to no word, and makes the text one that is not ASCII."""
    other = f"{text}\N{HORIZONTAL ELLIPSIS}"
    assert word_spans(text) == word_spans(other)
    assert words_in(text) == words_in(other)
    assert unread_share(text, languages) == unread_share(other, languages)
    assert detect_language(text) == detect_language(other)


@pytest.mark.parametrize(
    ("text", "languages", "share"),
    [
        ("two dogs", ["en"], 0.0),
        ("café, ＣＡＴ", ["en"], 0.0),
        ("两只狗", ["en"], 1.0),
        ("两只狗", ["en", "zh"], 0.0),
        ("two dogs", ["zh"], 1.0),
        ("собака", ["en", "zh"], 1.0),
        ("a собака", ["en"], 6 / 7),
        ("собака", ["en", "ru"], 0.0),
        ("собака", [], 0.0),
        ("12 🐶", ["en"], 0.0),
        ("", ["en"], 0.0),
    ],
)
def test_letters_of_other_scripts_are_unread(text: str, languages: list[str], share: float) -> None:
    assert unread_share(text, languages) == pytest.approx(share)
