"""The words of a query that a bundle does not read."""

from __future__ import annotations

from dataclasses import dataclass

from photoseek.encoders.encoders import MAX_CHARACTERS, TextEncoder
from photoseek.encoders.query_syntax import parse_query
from photoseek.languages import unread_share, word_spans

_MAX_WORDS = 12


@dataclass(frozen=True)
class UnreadWords:
    """Words in the order of the query, without repetitions.

    Attributes:
        unknown: Words that the vocabulary does not contain.
        foreign: Words in a script of none of the bundle's languages.
    """

    unknown: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def unread_words(encoder: TextEncoder, text: str) -> UnreadWords:
    """Return the words of a query that the towers of an encoder do not read; consecutive Han characters are one word.

    A term without such words of which another part is not read, such as kana, is returned completely.

    Raises:
        QueryError: The syntax of the query is invalid.
    """
    found = [word for term in parse_query(text[:MAX_CHARACTERS]) for word in _unread(encoder, term.text)]
    words = list(dict.fromkeys(found))[:_MAX_WORDS]
    foreign = tuple(word for word in words if unread_share(word, encoder.bundle.languages))
    return UnreadWords(tuple(word for word in words if word not in foreign), foreign)


def _unread(encoder: TextEncoder, term: str) -> list[str]:
    if not encoder.unread_share(term):
        return []
    spans: list[tuple[int, int]] = []
    for start, end, _ in word_spans(term):
        if encoder.unread_share(term[start:end]) < 1:
            continue
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end))
    words = [term[start:end] for start, end in spans]
    return words or [term]
