"""Text that must never reach a terminal unescaped, and a check for it."""

from __future__ import annotations

import unicodedata

HOSTILE = "\x1b[31m\x1b]0;title\x07\x9b2J\x7f\u202egnp\u2066\u200f\u061c\u2028\u200b[bold]b[red]:cat:\ta\nb\rc"
"""A file name that colors, retitles, clears, reorders and hides text, and contains markup of rich."""

ESCAPED = HOSTILE.encode("unicode_escape").decode()
"""The same name as it is printed."""

_JOINERS = "\u200c\u200d" + "".join(map(chr, range(0x13430, 0x13439)))  # of words and emoji, of hieroglyphs
_SIGNS = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # visible, with numbers
)
_ALLOWED = f"\n{_JOINERS}{_SIGNS}"
"""Format characters that text needs, which ``photoseek.system.terminal`` does not escape."""


def raw_characters(text: str) -> list[str]:
    """Return the control characters and invisible characters of a text."""
    odd = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [
        f"U+{ord(character):04X}"
        for character in text
        if unicodedata.category(character) in odd and character not in _ALLOWED
    ]
