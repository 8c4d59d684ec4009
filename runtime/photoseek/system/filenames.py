"""Lossless conversion of file names to text: Linux allows any bytes, while databases, JSON and pages need Unicode.

A byte that is not valid UTF-8 is mapped to a character of the private use area, U+EF80 to U+EFFF, by its value (as in
MirBSD's OPTU-8). If a name contains such a character, its bytes are mapped in the same way, so that two names never
have the same text.
"""

from __future__ import annotations

import os
import re

_FIRST = 0xEF00  # added to a byte of 0x80 to 0xFF
_MAPPED = re.compile("[\uef80-\uefff]+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_UNSAFE = re.compile("[\udc80-\udcff\uef80-\uefff]")


def decode_filename(name: str) -> str:
    """Return the text of a name or path as ``os`` returns it; most are returned unchanged."""
    return name if name.isascii() else _UNSAFE.sub(_escape, name)


def encode_filename(text: str) -> str:
    """Return the name that ``decode_filename`` converted to a text, for ``os`` and ``pathlib.Path``."""
    if text.isascii():
        return text
    return os.fsdecode(_MAPPED.sub(_unescape, text).encode("utf-8", "surrogateescape"))


def normalize_user_path(path: str) -> str:
    """Return the text of a path that comes from a hit (as text) or from a shell (as ``os`` returns it)."""
    return decode_filename(path) if _ESCAPED.search(path) else path


def _escape(found: re.Match[str]) -> str:
    return "".join(chr(_FIRST + byte) for byte in found.group().encode("utf-8", "surrogateescape"))


def _unescape(found: re.Match[str]) -> str:
    return bytes(ord(character) - _FIRST for character in found.group()).decode("utf-8", "surrogateescape")
