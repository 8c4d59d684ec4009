"""Words of names, titles and keywords, as tokens of a full-text index.

A token begins with a letter for where its word is from: ``a`` for any field, or the letter of a field. A full-text
index with columns would read every photo that has a word anywhere to find those that have it in one column. Tokens are
ASCII letters and digits, so that no text is ever parsed as the syntax of a full-text query.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

NAME, TITLE, KEYWORD, FOLDER, ANY = "n", "t", "k", "f", "a"
"""Letters of the fields: file name, titles and captions, keywords, folders; and any of them."""

_CJK = "[\u2e80-\u2fdf\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_IS_CJK = re.compile(_CJK)
_ASCII_WORD = re.compile(r"[a-z]+|[0-9]+")
_WORD = re.compile(rf"{_CJK}|(?:(?!{_CJK})[^\W\d_])+|\d+")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_DAY = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", re.ASCII)
_END = "z"  # between two texts, so that no phrase spans both
_MAX_WORDS = 300  # of a text


class PhotoNames(NamedTuple):
    """The texts of a photo that a query may name it by; titles, keywords and descriptions have one a line."""

    id: int
    path: str
    titles: str = ""
    keywords: str = ""
    descriptions: str = ""


def words(text: str) -> list[str]:
    """Return the words of a text: runs of letters, and of digits, in lower case without accents.

    ``IMG_20190824_0001`` has three words, ``beach2019`` two. Each Chinese or Japanese character is a word.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())[:_MAX_WORDS]
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))[:_MAX_WORDS]


def phrases(found: Sequence[str]) -> list[list[str]]:
    """Return words, with consecutive Chinese or Japanese characters as one phrase."""
    joined: list[list[str]] = []
    for word in found:
        if joined and _IS_CJK.match(word) and _IS_CJK.match(joined[-1][-1]):
            joined[-1].append(word)
        else:
            joined.append([word])
    return joined


def token(field: str, word: str) -> str:
    """Return the token of a word in a field."""
    return field + (word if word.isascii() else f"x{word.encode().hex()}")


def whole(field: str, found: Iterable[str]) -> str:
    """Return the token of a whole name, title, keyword or folder of these words."""
    return f"w{field}{blake2b(' '.join(found).encode(), digest_size=5).hexdigest()}"


def document(photo: PhotoNames) -> str:
    """Return the tokens of a photo, separated by spaces."""
    folder, _, name = photo.path.rpartition("/")
    found = [_text(NAME, name[: name.rfind(".")] if "." in name else name), _folders(folder)]
    found += [_text(TITLE, title) for title in photo.titles.splitlines()]
    found += [_text(KEYWORD, keyword) for keyword in photo.keywords.splitlines()]
    found += [_text(TITLE, description, is_name=False) for description in photo.descriptions.splitlines()]
    return " ".join(found)


@lru_cache(maxsize=1024)  # photos of a folder follow each other
def _folders(path: str) -> str:
    return " ".join(_text(FOLDER, name) for name in path.split("/") if name)


def _text(field: str, text: str, *, is_name: bool = True) -> str:
    if not (found := words(text)):
        return _END
    parts = [part for word in found if word.isdecimal() for part in _parts_of_number(word)]
    if not text.islower() and not text.isupper():
        camel = [word.lower() for word in _CAMEL.findall(text)]
        parts += [word for word in camel if word not in found]
    tokens = [whole(field, found)] if is_name else []
    for kind in (ANY, field):
        tokens += [*(token(kind, word) for word in found), _END, *(token(kind, part) for part in parts)]
    return " ".join(tokens)


def _parts_of_number(word: str) -> list[str]:
    """Return the numbers by which a number may be named: the year of a day, and 42 for 0042."""
    day = _DAY.fullmatch(word)
    parts = [day[1], day[1] + day[2], day[2], day[3]] if day else []
    shorter = word.lstrip("0")
    return [*parts, shorter] if shorter and shorter != word else parts
