"""Which script, and so which language, a text is written in."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")


def script_counts(text: str) -> dict[str, int]:
    """How many Chinese characters (``han``) and how many words of Latin letters (``latin``) a text has."""
    return {"han": len(_HAN.findall(text)), "latin": len(_LATIN.findall(text))}


def language_of(text: str) -> str:
    """``zh`` or ``en``, whichever script says more of the text, or ``other`` where it has neither."""
    counts = script_counts(text)
    if not any(counts.values()):
        return "other"
    return "zh" if counts["han"] >= counts["latin"] else "en"
