"""Keyword augmentation: the most informative words of each caption, in a third column of the caption file.

English keywords come from YAKE (Campos et al., Information Sciences 509, 2020), which ranks words and word pairs by
features of the single text. Chinese captions are segmented by jieba's dictionary; nouns, verbs and adjectives are kept,
and of too many, those that the fewest captions contain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from photoseek.captions import Caption
from photoseek.captions.flickr_token import token_line
from photoseek.errors import MissingExtra
from photoseek.languages import detect_language
from photoseek.system.atomic_write import write_bytes_atomic
from photoseek_train.errors import SettingsError
from photoseek_train.progress import ProgressCallback, no_progress

LANGUAGES = ("auto", "en", "zh")
TOP = 5

_PROGRESS_EVERY = 100  # captions
_PHRASE = 2  # maximum words: "black dog", but not "dog is running"

# Part-of-speech tags of jieba's dictionary: prefixes of content words ...
_CONTENT = ("n", "v", "a", "s", "t", "i", "l", "j", "z", "b", "g", "eng")
_WITH_PARTICLE = ("uz", "ug")  # ... and tags of words with a particle attached, such as 戴着; not the particle alone
_STOP_WORDS = frozenset(("有", "是", "正在", "在", "到", "看", "东西", "样子", "啊", "往", "一个", "能", "要", "想"))

Extract = Callable[[str], tuple[str, ...]]
"""Maps a caption to its keywords: best first in English, in the order of the caption in Chinese."""


def write_keywords(
    captions: Sequence[Caption],
    out: Path,
    language: str = "auto",
    top: int = TOP,
    progress: ProgressCallback = no_progress,
) -> list[Caption]:
    """Write and return captions with their keywords, as lines ``NAME#I<TAB>caption<TAB>keyword, keyword, ...``.

    Args:
        captions: Captions to augment; existing keywords are replaced.
        out: Output file; replaced atomically.
        language: ``en``, ``zh``, or ``auto``: detect the language of each caption from its script.
        top: Maximum number of keywords per caption.
        progress: Progress callback.

    Raises:
        SettingsError: The language is unknown, or ``top`` is below 1.
        MissingExtra: The extra ``keywords`` is not installed.
    """
    if language not in LANGUAGES:
        raise SettingsError(f"language: expected one of {', '.join(LANGUAGES)}, found {language!r}")
    if top < 1:
        raise SettingsError(f"top: expected at least 1 keyword, found {top}")
    augmented = with_keywords(captions, language, top, progress)
    write_bytes_atomic(out, "".join(map(token_line, augmented)).encode())
    return augmented


def with_keywords(
    captions: Sequence[Caption], language: str = "auto", top: int = TOP, progress: ProgressCallback = no_progress
) -> list[Caption]:
    """Return the captions with keywords; raises ``MissingExtra``."""
    languages = [detect_language(caption.text) if language == "auto" else language for caption in captions]
    chinese = [caption.text for caption, code in zip(captions, languages, strict=True) if code == "zh"]
    extract: dict[str, Extract] = {}
    if len(chinese) < len(captions):
        extract["en"] = english_keywords(top)
    if chinese:
        extract["zh"] = chinese_keywords(chinese, top)
    augmented: list[Caption] = []
    for caption, code in zip(captions, languages, strict=True):
        found = extract["zh" if code == "zh" else "en"](caption.text)
        augmented.append(replace(caption, keywords=found))
        if len(augmented) % _PROGRESS_EVERY == 0 or len(augmented) == len(captions):
            progress("keywords", len(augmented), len(captions))
    return augmented


def english_keywords(top: int = TOP) -> Extract:
    """Return an extractor of lowercase words and word pairs, ranked by YAKE; raises ``MissingExtra``."""
    try:
        from yake import KeywordExtractor
    except ImportError as error:
        raise _missing("yake") from error
    extractor = KeywordExtractor(lan="en", n=_PHRASE, top=top)

    def extract(text: str) -> tuple[str, ...]:
        return _clean(keyword.lower() for keyword, _ in extractor.extract_keywords(text))

    return extract


def chinese_keywords(texts: Sequence[str], top: int = TOP) -> Extract:
    """Return an extractor of distinct content words; ``texts`` give word frequencies. Raises ``MissingExtra``."""
    try:
        from rjieba import Jieba
    except ImportError as error:
        raise _missing("rjieba") from error
    jieba = Jieba()

    def words(text: str) -> tuple[str, ...]:
        return _clean(word for word, part in jieba.tag(text) if _is_content_word(word, part))

    captions_with = Counter(word for text in texts for word in words(text))

    def extract(text: str) -> tuple[str, ...]:
        found = words(text)
        kept = set(sorted(found, key=lambda word: captions_with[word])[:top])
        return tuple(word for word in found if word in kept)

    return extract


def _is_content_word(word: str, part: str) -> bool:
    if word in _STOP_WORDS or not any(map(str.isalnum, word)):
        return False
    return part.startswith(_CONTENT) or part == "zg" or (part in _WITH_PARTICLE and len(word) > 1)


def _clean(words: Iterable[str]) -> tuple[str, ...]:
    """Remove duplicates, and commas inside keywords: commas separate keywords in the file."""
    return tuple(dict.fromkeys(word for word in (word.replace(",", "").strip() for word in words) if word))


def _missing(package: str) -> MissingExtra:
    return MissingExtra(
        f"keywords need {package}, which is not installed; install it: pip install 'photoseek[keywords]'"
    )
