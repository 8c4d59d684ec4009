"""Text that a terminal must never get raw, and a check that it got none."""

from __future__ import annotations

import unicodedata

HOSTILE = "\x1b[31m\x1b]0;title\x07\x9b2J\x7f\u202egnp\u2066\u200f\u061c\u2028\u200b[bold]b[red]:cat:\ta\nb\rc"
"""Part of a name: what colours, retitles, clears, reorders, hides, or is markup of rich."""

SHOWN = HOSTILE.encode("unicode_escape").decode()
"""The same as a terminal gets it."""

_KEPT = "\n\u200c\u200d"


def raw_characters(text: str) -> list[str]:
    """Every character of a text that controls a terminal, or that nobody sees."""
    odd = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [
        f"U+{ord(character):04X}"
        for character in text
        if unicodedata.category(character) in odd and character not in _KEPT
    ]
