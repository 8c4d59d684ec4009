"""The words of a query that names, titles and keywords are searched for, as full-text queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from photoseek.encoders.query_syntax import QueryTerm
from photoseek.errors import QueryError
from photoseek.gallery.snapshot.name_words import ANY, FOLDER, KEYWORD, NAME, TITLE, phrases, token, whole, words
from photoseek.photos.formats import photo_suffixes

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
        added: The words that all have to match; none if nothing can match.
        subtracted: The words of each term that must not all match.
        single: Whether the added words are one term, which may be a whole name.
        only: Whether only names are searched.
    """

    added: tuple[str, ...]
    subtracted: tuple[tuple[str, ...], ...] = ()
    single: bool = True
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
        found = tuple(word for each in added for word in each)
        if names == "only" and not added:
            raise QueryError("names: expected a text to search names for, found none")
        if not found or len(found) > _MAX_WORDS:
            return cls((), only=True) if names == "only" else None
        subtracted = tuple(tuple(each) for term in terms if term.weight < 0 and (each := words(term.text)))
        return cls(found, subtracted, len(added) == 1, names == "only")

    @property
    def any(self) -> str:
        """The full-text query that every match meets; empty if nothing can match."""
        return f"({_all(ANY, self.added)}){self._without}" if self.added else ""

    def classes(self) -> Iterator[NameClass]:
        """Yield the classes of matches, best first."""
        if self.single:
            for name, letter in _FIELDS.items():
                yield NameClass(name, True, f"{whole(letter, self.added)}{self._without}")
        for name, letter in _FIELDS.items():
            yield NameClass(name, False, f"({_all(letter, self.added)}){self._without}")
        yield NameClass("name", False, self.any)

    @property
    def _without(self) -> str:
        return "".join(f" NOT ({_all(ANY, each)})" for each in self.subtracted)


def _all(field: str, found: Sequence[str]) -> str:
    """Return a full-text query for all of some words in a field; consecutive Chinese characters are a phrase."""
    parts = (" ".join(token(field, word) for word in phrase) for phrase in phrases(found))
    return " AND ".join(f'"{part}"' for part in dict.fromkeys(parts))


def _without_suffix(text: str) -> str:
    """Return a text without the suffix of a photo at its end: names are indexed without it."""
    stem, dot, suffix = text.rstrip().rpartition(".")
    return stem if dot and f".{suffix.lower()}" in photo_suffixes() else text
