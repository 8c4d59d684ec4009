"""File names that are no text: Linux takes any bytes, while databases, JSON and pages take Unicode.

A path is kept and shown as text from which its bytes can be told again: a byte that is no UTF-8 becomes a character of
the private use area, U+EF80 to U+EFFF, by its value (as MirBSD's OPTU-8 does). Of a name that has such a character
itself, the bytes of that character are kept in the same way, so that no two names ever look alike.
"""

from __future__ import annotations

import os
import re

_FIRST = 0xEF00  # added to a byte of 0x80 to 0xFF
_KEPT = re.compile("[\uef80-\uefff]+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_ODD = re.compile("[\udc80-\udcff\uef80-\uefff]")


def decode_filename(name: str) -> str:
    """The text of a name, or of a path, as ``os`` hands it out; most names are their own text."""
    return _ODD.sub(_escape, name)


def encode_filename(text: str) -> str:
    """The name that ``decode_filename`` was given, for ``os`` and for ``pathlib.Path``."""
    return os.fsdecode(_KEPT.sub(_unescape, text).encode("utf-8", "surrogateescape"))


def normalize_user_path(path: str) -> str:
    """The text of a path that a caller names, who has it from a hit (as text) or from a shell (as ``os`` has it)."""
    return decode_filename(path) if _ESCAPED.search(path) else path


def _escape(found: re.Match[str]) -> str:
    return "".join(chr(_FIRST + byte) for byte in found.group().encode("utf-8", "surrogateescape"))


def _unescape(found: re.Match[str]) -> str:
    return bytes(ord(character) - _FIRST for character in found.group()).decode("utf-8", "surrogateescape")
