"""Which language a text is written in, told by its script; mixed text is shared out word by word.

Han characters are Chinese, traditional ones too; every other alphabet counts as English, the language of the towers
that read it. Digits, punctuation, emoji and kana are words of neither: they follow the words that they stand beside.
Han characters stand without spaces: one and a half of them count as a word, about what words take in running text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

CHINESE = "zh"
ENGLISH = "en"
LANGUAGES = (ENGLISH, CHINESE)
"""ISO 639-1 codes of the languages that are told apart."""

OTHER = "other"
"""What a text without any words is in."""

CHARACTERS_PER_WORD = 1.5
"""How many Han characters count as one word beside words that spaces part."""

# Radicals, 々〇 and the like, the unified ideographs with their extensions (planes 2 and 3), compatibility ideographs.
_HAN = re.compile(
    "[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Hiragana, katakana, their half-width and historic forms, and bopomofo: they spell sounds beside Han characters.
_HAN_NEIGHBORS = re.compile("[\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f]")
_APOSTROPHES = "'\u2019"
_SHORT = 2  # letters of which Chinese makes words together with characters: T恤


@dataclass(frozen=True)
class LanguageSpan:
    """What one language has of a text.

    Attributes:
        language: ISO 639-1 code.
        text: Its words, in their order, with what stands beside them.
        weight: Its share of the words of the text, in (0, 1].
    """

    language: str
    text: str
    weight: float


@dataclass(frozen=True)
class _Run:
    """Letters of one language in a row: ``text[start:end]``."""

    language: str
    start: int
    end: int

    @property
    def words(self) -> float:
        return (self.end - self.start) / CHARACTERS_PER_WORD if self.language == CHINESE else 1.0


def detect_language(text: str, default: str = OTHER) -> str:
    """The language with the most words in a text: ``zh`` or ``en``; ``default`` if it has no words at all."""
    found = split_by_language(text)
    return found[0].language if found else default


def split_by_language(text: str) -> list[LanguageSpan]:
    """What each language has of a text, the largest share first (of equals the Chinese one); empty without words.

    A text of one language is a single share, with every character of the text.
    """
    runs = _assign_neutral_characters(list(_runs(text)), text)
    words = dict.fromkeys((CHINESE, ENGLISH), 0.0)  # of equals the first
    for run in runs:
        words[run.language] += run.words
    total = sum(words.values())
    present = sorted((language for language in words if words[language]), key=lambda each: -words[each])
    if len(present) == 1:
        return [LanguageSpan(present[0], text, 1.0)]
    return [LanguageSpan(language, _text_of(language, runs, text), words[language] / total) for language in present]


def word_spans(text: str) -> list[tuple[int, int, float]]:
    """Start, end and length in words of each word and each Han character of a text."""
    spans: list[tuple[int, int, float]] = []
    for run in _runs(text):
        if run.language == CHINESE:
            spans += [(place, place + 1, 1 / CHARACTERS_PER_WORD) for place in range(run.start, run.end)]
        else:
            spans.append((run.start, run.end, 1.0))
    return spans


def words_in(text: str) -> float:
    """How many words a text has."""
    return sum(run.words for run in _runs(text))


def _runs(text: str) -> Iterator[_Run]:
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
    """The language of a letter; nothing for what is no letter, ``+`` for what belongs to the letter before it."""
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
    """Count letters as Chinese that make a Chinese word with the characters they touch: T恤, 卡拉OK, NBA球员."""
    touching = {run for pair in pairwise(runs) if pair[0].end == pair[1].start for run in pair}
    return [
        replace(run, language=CHINESE) if run in touching and _counts_as_character(text[run.start : run.end]) else run
        for run in runs
    ]


def _counts_as_character(letters: str) -> bool:
    return len(letters) <= _SHORT or letters.isupper()


def _text_of(language: str, runs: list[_Run], text: str) -> str:
    """A language's runs, each with what follows it up to the next; what precedes the first goes with that."""
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
