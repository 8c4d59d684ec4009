"""The languages of the texts of scenes: each scene has one image, and texts in each language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from photoseek_export.demo.scenes.chinese import captions as chinese_wording
from photoseek_export.demo.scenes.chinese import queries as chinese_queries
from photoseek_export.demo.scenes.english import captions as english_wording
from photoseek_export.demo.scenes.english import queries as english_queries
from photoseek_export.demo.scenes.world import Scene

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_Texts = Callable[[Scene, int], list[str]]
_CAPTIONS: dict[Language, _Texts] = {"en": english_wording.captions, "zh": chinese_wording.captions}
_QUERIES: dict[Language, _Texts] = {"en": english_queries.queries, "zh": chinese_queries.queries}


def captions(scene: Scene, seed: int, language: Language = "en") -> list[str]:
    """Return five different captions; at least four name every group with its color and count, and the place."""
    return _CAPTIONS[language](scene, seed)


def queries(scene: Scene, seed: int, language: Language = "en") -> list[str]:
    """Return four phrases, one of each type: one group, its kind alone, two groups, the place."""
    return _QUERIES[language](scene, seed)


def captions_file(language: Language, stem: str = "captions") -> str:
    """Return the name of a caption file: ``captions.token`` in English, ``captions.zh.token`` in Chinese."""
    return f"{stem}.token" if language == "en" else f"{stem}.{language}.token"
