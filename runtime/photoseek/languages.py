"""Which language a text is in, told by its script."""

from __future__ import annotations

import re

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def language_of(text: str) -> str:
    """The ISO 639-1 code: ``zh`` where at least half of the letters are Han, else ``en``."""
    letters = sum(character.isalpha() for character in text)
    return "zh" if letters and 2 * len(_HAN.findall(text)) >= letters else "en"
