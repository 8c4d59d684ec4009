"""The language of a text, detected from its script; mixed text is split by words.

Han characters, including traditional ones, count as Chinese. Every other alphabet counts as English, because the
English tower reads it. Digits, punctuation, emoji and kana are words of neither: they belong to the words next to them.
Han characters are written without spaces: one and a half of them count as a word, the average in running text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

CHINESE = "zh"
ENGLISH = "en"
LANGUAGES = (ENGLISH, CHINESE)
"""ISO 639-1 codes of the languages that are detected."""

OTHER = "other"
"""The language of a text without any words."""

CHARACTERS_PER_WORD = 1.5
"""Number of Han characters that count as one word."""

# Radicals, 々〇 and the like, the unified ideographs with their extensions (planes 2 and 3), compatibility ideographs.
_HAN = re.compile(
    "[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Hiragana, katakana, their half-width and historic forms, and bopomofo: they spell sounds next to Han characters.
_HAN_NEIGHBORS = re.compile("[\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f]")
_APOSTROPHES = "'\u2019"
_ASCII_WORD = re.compile("[A-Za-z][A-Za-z']*")
_SHORT = 2  # letters that form Chinese words together with Han characters: T恤


@dataclass(frozen=True)
class LanguageSpan:
    """The part of a text in one language.

    Attributes:
        language: ISO 639-1 code.
        text: The words in this language, in their order, with the digits and punctuation next to them.
        weight: Share of the words of the text, in (0, 1].
    """

    language: str
    text: str
    weight: float


@dataclass(frozen=True)
class _Run:
    """Consecutive letters of one language: ``text[start:end]``."""

    language: str
    start: int
    end: int

    @property
    def words(self) -> float:
        return (self.end - self.start) / CHARACTERS_PER_WORD if self.language == CHINESE else 1.0


def detect_language(text: str, default: str = OTHER) -> str:
    """Return the language with the most words in a text: ``zh`` or ``en``; ``default`` if it has no words."""
    found = split_by_language(text)
    return found[0].language if found else default


def split_by_language(text: str) -> list[LanguageSpan]:
    """Return a span for each language of a text, the largest first (on a tie, Chinese); none without words.

    The span of a text in one language contains every character of the text.
    """
    if text.isascii():
        return [LanguageSpan(ENGLISH, text, 1.0)] if _ASCII_WORD.search(text) else []
    runs = _assign_neutral_characters(list(_runs(text)), text)
    words = dict.fromkeys((CHINESE, ENGLISH), 0.0)  # on a tie, the first wins
    for run in runs:
        words[run.language] += run.words
    total = sum(words.values())
    present = sorted((language for language in words if words[language]), key=lambda each: -words[each])
    if len(present) == 1:
        return [LanguageSpan(present[0], text, 1.0)]
    return [LanguageSpan(language, _text_of(language, runs, text), words[language] / total) for language in present]


def word_spans(text: str) -> list[tuple[int, int, float]]:
    """Return start, end and length in words of each word and each Han character of a text."""
    spans: list[tuple[int, int, float]] = []
    for run in _runs(text):
        if run.language == CHINESE:
            spans += [(place, place + 1, 1 / CHARACTERS_PER_WORD) for place in range(run.start, run.end)]
        else:
            spans.append((run.start, run.end, 1.0))
    return spans


def unread_share(text: str, languages: Collection[str]) -> float:
    """Return the share of a text's letters that are in a script of none of the languages, in [0, 1].

    English is written in Latin letters, Chinese in Han characters. It is 0 if another language is among them, whose
    script is not known here.
    """
    if not languages or not set(languages) <= set(LANGUAGES):
        return 0.0
    if text.isascii():
        return float(ENGLISH not in languages and _ASCII_WORD.search(text) is not None)
    scripts = [_letter_language(char) for char in text if char.isalpha() or _HAN.match(char)]
    return sum(script not in languages for script in scripts) / len(scripts) if scripts else 0.0


def _letter_language(char: str) -> str:
    """Return the language that is written with a letter; empty for all but Latin letters and Han characters."""
    if _HAN.match(char):
        return CHINESE
    return ENGLISH if char.isascii() or unicodedata.name(char, "").startswith(("LATIN", "FULLWIDTH LATIN")) else ""


def words_in(text: str) -> float:
    """Return the number of words of a text."""
    return sum(run.words for run in _runs(text))


def _runs(text: str) -> Iterator[_Run]:
    if text.isascii():  # most queries, ten times as fast
        yield from (_Run(ENGLISH, *word.span()) for word in _ASCII_WORD.finditer(text))
        return
    start, current = 0, ""
    for position, char in enumerate(text):
        script = _script(char)
        if script == "+":  # an accent, or the apostrophe of "don't"
            continue
        if script != current:
            if current:
                yield _Run(current, start, position)
            start, current = position, script
    if current:
        yield _Run(current, start, len(text))


def _script(char: str) -> str:
    """Return the language of a letter, ``+`` for a sign that belongs to the letter before it, or an empty string."""
    if char.isascii():
        return ENGLISH if char.isalpha() else "+" if char in _APOSTROPHES else ""
    if _HAN.match(char):
        return CHINESE
    if _HAN_NEIGHBORS.match(char):
        return ""
    if char.isalpha():
        return ENGLISH
    return "+" if char in _APOSTROPHES or unicodedata.category(char).startswith("M") else ""


def _assign_neutral_characters(runs: list[_Run], text: str) -> list[_Run]:
    """Count letters as Chinese that form a Chinese word with adjacent Han characters: T恤, 卡拉OK, NBA球员."""
    adjacent = {run for pair in pairwise(runs) if pair[0].end == pair[1].start for run in pair}
    return [
        replace(run, language=CHINESE) if run in adjacent and _counts_as_character(text[run.start : run.end]) else run
        for run in runs
    ]


def _counts_as_character(letters: str) -> bool:
    return len(letters) <= _SHORT or letters.isupper()


def _text_of(language: str, runs: list[_Run], text: str) -> str:
    """Return the runs of a language, each with the text up to the next run; the first also with the text before it."""
    bounds = [0, *(run.start for run in runs[1:]), len(text)]
    pieces: list[str] = []
    previous = ""
    for run, (start, end) in zip(runs, pairwise(bounds), strict=True):
        if run.language == language:
            if previous == language:
                pieces[-1] += text[start:end]
            else:
                pieces.append(text[start:end])
        previous = run.language
    return " ".join(piece.strip() for piece in pieces)
