"""Common nouns and scenes from ``vocabulary.toml``: tags of a photo, and examples of queries."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from photoseek.languages import CHINESE, ENGLISH


def vocabulary(language: str = ENGLISH) -> list[str]:
    """Return the words of the vocabulary in English or Chinese, in the order of the file.

    Args:
        language: ``en`` or ``zh``; of any other language, the words are English.
    """
    return [text for words in vocabulary_groups(language).values() for text in words]


def vocabulary_groups(language: str = ENGLISH) -> dict[str, list[str]]:
    """Return the words by the name of their group, such as ``animals``; see ``vocabulary``."""
    chinese = language == CHINESE
    return {name: list(words.values() if chinese else words) for name, words in _groups().items()}


@cache
def _groups() -> dict[str, dict[str, str]]:
    import tomllib  # most searches need no vocabulary

    return tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text("utf-8"))
