"""Keyword augmentation: the words of a caption that say most of the photo, in a third column of the caption file.

English keywords are those of YAKE (Campos et al., Information Sciences 509, 2020), which ranks words and pairs of words
by where and how they stand in the one text. Chinese captions are cut into words by jieba's dictionary; kept are words
that name things, doings and qualities, and of too many those that the fewest captions have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from photoseek.captions import Caption
from photoseek.captions.flickr_token import token_line
from photoseek.errors import MissingExtra
from photoseek.languages import detect_language
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek_train.errors import SettingsError
from photoseek_train.progress import Progress, silent

LANGUAGES = ("auto", "en", "zh")
TOP = 5

_TOLD_EVERY = 100  # captions
_PHRASE = 2  # words at most: "black dog", but not "dog is running"

# Parts of speech of jieba's dictionary: first letters of those that name a thing, a doing or a quality ...
_CONTENT = ("n", "v", "a", "s", "t", "i", "l", "j", "z", "b", "g", "eng")
_WITH_PARTICLE = ("uz", "ug")  # ... and of words with a particle grown on, such as 戴着; not the particle by itself
_SAY_LITTLE = frozenset(("有", "是", "正在", "在", "到", "看", "东西", "样子", "啊", "往", "一个", "能", "要", "想"))

Extract = Callable[[str], tuple[str, ...]]
"""From a caption to its keywords, the best first in English, in the order of the caption in Chinese."""


@dataclass(frozen=True)
class Augmented:
    """What was written: captions in all, those without a keyword, and how many keywords."""

    captions: int
    bare: int
    keywords: int


def write_keywords(
    captions: Sequence[Caption], out: Path, language: str = "auto", top: int = TOP, progress: Progress = silent
) -> Augmented:
    """Write captions with their keywords, as lines ``NAME#I<TAB>caption<TAB>keyword, keyword, ...``.

    Args:
        captions: What to augment; keywords that they have already are replaced.
        out: The file; replaced as a whole.
        language: ``en``, ``zh``, or ``auto``: each caption's own, by its script.
        top: Keywords of a caption, at most.
        progress: Called often.

    Raises:
        SettingsError: An unknown language, or ``top`` below 1.
        MissingExtra: The extra ``keywords`` is not installed.
    """
    if language not in LANGUAGES:
        raise SettingsError(f"language: expected one of {', '.join(LANGUAGES)}, found {language!r}")
    if top < 1:
        raise SettingsError(f"top: expected at least 1 keyword, found {top}")
    augmented = with_keywords(captions, language, top, progress)
    write_bytes_atomic(out, "".join(map(token_line, augmented)).encode())
    bare = sum(not caption.keywords for caption in augmented)
    return Augmented(len(augmented), bare, sum(len(caption.keywords) for caption in augmented))


def with_keywords(
    captions: Sequence[Caption], language: str = "auto", top: int = TOP, progress: Progress = silent
) -> list[Caption]:
    """The same captions with keywords; raises ``MissingExtra``."""
    spoken = [detect_language(caption.text) if language == "auto" else language for caption in captions]
    chinese = [caption.text for caption, tongue in zip(captions, spoken, strict=True) if tongue == "zh"]
    extract: dict[str, Extract] = {}
    if len(chinese) < len(captions):
        extract["en"] = english_keywords(top)
    if chinese:
        extract["zh"] = chinese_keywords(chinese, top)
    augmented: list[Caption] = []
    for caption, tongue in zip(captions, spoken, strict=True):
        found = extract["zh" if tongue == "zh" else "en"](caption.text)
        augmented.append(replace(caption, keywords=found))
        if len(augmented) % _TOLD_EVERY == 0 or len(augmented) == len(captions):
            progress("keywords", len(augmented), len(captions))
    return augmented


def english_keywords(top: int = TOP) -> Extract:
    """Words and pairs of words by YAKE's score, in lower case; raises ``MissingExtra``."""
    try:
        from yake import KeywordExtractor
    except ImportError as error:
        raise _missing("yake") from error
    extractor = KeywordExtractor(lan="en", n=_PHRASE, top=top)

    def extract(text: str) -> tuple[str, ...]:
        return _clean(keyword.lower() for keyword, _ in extractor.extract_keywords(text))

    return extract


def chinese_keywords(texts: Sequence[str], top: int = TOP) -> Extract:
    """Content words, each once; ``texts`` tell how rare a word is. Raises ``MissingExtra``."""
    try:
        from rjieba import Jieba
    except ImportError as error:
        raise _missing("rjieba") from error
    jieba = Jieba()

    def words(text: str) -> tuple[str, ...]:
        return _clean(word for word, part in jieba.tag(text) if _says_something(word, part))

    captions_with = Counter(word for text in texts for word in words(text))

    def extract(text: str) -> tuple[str, ...]:
        found = words(text)
        kept = set(sorted(found, key=lambda word: captions_with[word])[:top])
        return tuple(word for word in found if word in kept)

    return extract


def _says_something(word: str, part: str) -> bool:
    if word in _SAY_LITTLE or not any(map(str.isalnum, word)):
        return False
    return part.startswith(_CONTENT) or part == "zg" or (part in _WITH_PARTICLE and len(word) > 1)


def _clean(words: Iterable[str]) -> tuple[str, ...]:
    """Each once, with no comma inside: commas part keywords in the file."""
    return tuple(dict.fromkeys(word for word in (word.replace(",", "").strip() for word in words) if word))


def _missing(package: str) -> MissingExtra:
    return MissingExtra(
        f"keywords need {package}, which is not installed; install it: pip install 'photoseek[keywords]'"
    )
