"""Text that must never reach a terminal unescaped, and a check for it."""

from __future__ import annotations

import unicodedata

HOSTILE = "\x1b[31m\x1b]0;title\x07\x9b2J\x7f\u202egnp\u2066\u200f\u061c\u2028\u200b[bold]b[red]:cat:\ta\nb\rc"
"""A file name that colors, retitles, clears, reorders and hides text, and contains markup of rich."""

ESCAPED = HOSTILE.encode("unicode_escape").decode()
"""The same name as it is printed."""

_ALLOWED = "\n\u200c\u200d"


def raw_characters(text: str) -> list[str]:
    """Return the control characters and invisible characters of a text."""
    odd = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [
        f"U+{ord(character):04X}"
        for character in text
        if unicodedata.category(character) in odd and character not in _ALLOWED
    ]
