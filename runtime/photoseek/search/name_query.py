"""The words of a query that names, titles and keywords are searched for, as full-text queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from photoseek.encoders.query_syntax import QueryTerm
from photoseek.errors import QueryError
from photoseek.gallery.snapshot.name_words import ANY, FOLDER, KEYWORD, NAME, TITLE, phrases, token, whole, words
from photoseek.photos.formats import SUFFIXES

Names: TypeAlias = Literal["also", "only", "never"]
"""Whether a query also finds photos by their names, titles and keywords, only by these, or never."""

Matched: TypeAlias = Literal["name", "title", "keyword", "folder"]
"""The field that contains the words of a query; ``name`` also if several fields contain them together."""

_FIELDS: dict[Matched, str] = {"name": NAME, "title": TITLE, "keyword": KEYWORD, "folder": FOLDER}
_MAX_WORDS = 24  # a longer text is a description, and no name


@dataclass(frozen=True)
class NameClass:
    """A class of matches.

    Attributes:
        matched: The field.
        is_whole: Whether the query is all of it.
        match: The full-text query of tokens.
    """

    matched: Matched
    is_whole: bool
    match: str


@dataclass(frozen=True)
class NameQuery:
    """What names are searched for.

    Attributes:
        any: The full-text query that every match meets; empty if the query has no words.
        classes: The classes of matches, best first.
        only: Whether only names are searched.
    """

    any: str
    classes: tuple[NameClass, ...]
    only: bool = False

    @classmethod
    def of(cls, terms: Sequence[QueryTerm], names: Names) -> NameQuery | None:
        """Return the words of a query; None if names are not searched, or it has no words or too many.

        Raises:
            QueryError: Invalid ``names``, or only names are searched and the query has no text.
        """
        if names not in get_args(Names):
            raise QueryError(f"names: expected one of {', '.join(get_args(Names))}, found {names!r}")
        if names == "never":
            return None
        added = [words(_without_suffix(term.text)) for term in terms if term.weight > 0]
        found = [word for each in added for word in each]
        if names == "only" and not added:
            raise QueryError("names: expected a text to search names for, found none")
        if not found or len(found) > _MAX_WORDS:
            return cls("", (), only=True) if names == "only" else None
        subtracted = [words(term.text) for term in terms if term.weight < 0]
        without = "".join(f" NOT ({_all(ANY, each)})" for each in subtracted if each)
        every = f"({_all(ANY, found)}){without}"
        classes = []
        if len(added) == 1:
            classes += [NameClass(name, True, f"{whole(letter, found)}{without}") for name, letter in _FIELDS.items()]
        classes += [NameClass(name, False, f"({_all(letter, found)}){without}") for name, letter in _FIELDS.items()]
        return cls(every, (*classes, NameClass("name", False, every)), only=names == "only")


def _all(field: str, found: Sequence[str]) -> str:
    """Return a full-text query for all of some words in a field; consecutive Chinese characters are a phrase."""
    parts = (" ".join(token(field, word) for word in phrase) for phrase in phrases(found))
    return " AND ".join(f'"{part}"' for part in dict.fromkeys(parts))


def _without_suffix(text: str) -> str:
    """Return a text without the suffix of a photo at its end: names are indexed without it."""
    stem, dot, suffix = text.rstrip().rpartition(".")
    return stem if dot and f".{suffix.lower()}" in SUFFIXES else text
