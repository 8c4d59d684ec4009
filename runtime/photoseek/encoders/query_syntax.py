r"""The grammar of queries, the same for the page, the command line, the service and the library.

``dog + beach - person``
    Terms are added and subtracted. A sign is between spaces, or before a word after a space, as in ``beach -person``;
    ``t-shirt``, ``black-and-white`` and ``C++`` are words. The full-width signs of Chinese, ＋ and －, need no spaces.
    The minus sign − and the en dash – that phones write are minus signs. The em dash — and ``--`` are punctuation, and
    so is an en dash between numbers.
``beach without people``, ``beach, no people``, 没有人的海滩, 海滩，不要人
    One or two words after the negation at the end of a term are subtracted: a text tower attends to words, not to their
    negation. Longer ones stay in the text, as in ``a man without a shirt climbing a rock``.
``2:red car + 0.5:snow``
    The number before the colon is the weight of the term, which defaults to 1. ``16:9`` and ``12:30`` are words, since
    a digit follows, and so are ``2023: summer`` and ``007: a spy``.
``rock \+ roll``, ``2\:red``, ``a car \without wheels``
    A backslash escapes a sign, a colon or a negation; ``\\`` is a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from photoseek.errors import QueryError

MAX_TERMS = 16
"""Maximum number of terms in a query: each is a run of a tower."""

MAX_WEIGHT = 100.0
"""Maximum weight of a term."""

_MINUS = "-−–"
_SIGN = re.compile(
    r"(?:^|(?<=\s))(?:[+\-−]|(?<!\d\s)–|–(?!\s\d))(?=\s|$)"  # an en dash between numbers is a range
    rf"|(?:^|(?<=\s))[{_MINUS}](?=[^\W\d])|(?<!\\)[＋－]"
)
_WEIGHT = re.compile(r"(?P<number>0|[1-9]\d{0,2}|\d{1,3}\.\d+|\.\d+)[:：](?!\d)\s*", re.ASCII)
_WITHOUT = re.compile(
    r"(?:(?P<before>.*?)[\s,;，]+)??(?<!\\)(?:without(?:\s+(?:an?|any|the))?|(?:with\s+)?no)\s+(?P<what>[^\W\d]\S*(?:\s+\S+)?)",
    re.IGNORECASE,
)
_WITHOUT_ZH = re.compile(
    r"(?P<before>.*?)[\s,，、]*(?<!\\)(?:没有|不要|没(?=人))(?P<what>[^\s,，的]+)(?:的(?P<after>.+))?"
)
_BEFORE_NO = frozenset(("a", "an", "the", "is", "are", "was", "has", "have", "had", "says", "say", "saying"))
_NOT_NEGATED = frozenset(("smoking", "parking", "entry", "trespassing", "swimming", "one", "on"))  # on signs, or longer
_ESCAPED = re.compile(r"\\([\\+\-−–:＋－：]|(?=without\b|no\b|没|不要))", re.IGNORECASE)


@dataclass(frozen=True)
class QueryTerm:
    """Words and their weight.

    Attributes:
        text: What the photos should show.
        weight: Negative for what they should not show.
    """

    text: str
    weight: float = 1.0


def parse_query(text: str) -> tuple[QueryTerm, ...]:
    """Return the terms of a query; an empty one has none.

    Raises:
        QueryError: Not a text, a sign without words after it, an invalid weight, or over ``MAX_TERMS`` terms.
    """
    require_text(text, "a query")
    if not text.strip():
        return ()
    signs = ["+", *(_plain_sign(match.group()) for match in _SIGN.finditer(text))]
    spans = _SIGN.split(text)
    if len(spans) > 1 and not spans[0].strip():  # the query starts with a sign
        signs, spans = signs[1:], spans[1:]
    _check_count(len(spans))
    terms = tuple(term for sign, span in zip(signs, spans, strict=True) for term in _terms(sign, span.strip()))
    _check_count(len(terms))
    return terms


def require_text(text: object, what: str) -> None:
    """Check that a value is a str.

    Raises:
        QueryError: It is not; the encoding of bytes is unknown.
    """
    if not isinstance(text, str):
        raise QueryError(f"expected {what} as a str, found {type(text).__name__}")


def escape(text: str) -> str:
    """Return a query for these words, with their signs and negations escaped."""
    signs = re.sub(r"[\\+\-−–:＋－：]", lambda match: f"\\{match.group()}", text)
    return re.sub(r"\b(?:without|no)\b|没|不要", lambda match: f"\\{match.group()}", signs, flags=re.IGNORECASE)


def _check_count(terms: int) -> None:
    if terms > MAX_TERMS:
        raise QueryError(f"expected at most {MAX_TERMS} terms in a query, found {terms}")


def _terms(sign: str, words: str) -> Iterator[QueryTerm]:
    """Yield the term after a sign, and what it negates as terms to subtract."""
    term, negated = _term(sign, words), ""
    if term.weight > 0 and (found := _without(term.text)):
        kept, negated = found
        term = QueryTerm(kept, term.weight)
    if term.text:
        yield QueryTerm(_plain(term.text), term.weight)
    if negated:
        yield QueryTerm(_plain(negated), -term.weight)


def _without(words: str) -> tuple[str, str] | None:
    """Return the words of a term without its negation, and those that are negated; None if it has no negation."""
    if found := _WITHOUT.fullmatch(words):
        before, what = (found["before"] or "").strip(), found["what"].rstrip(" .!")
        last = before.lower().rpartition(" ")[2]
        if last in _BEFORE_NO or _NOT_NEGATED & set(what.lower().split()):
            return None
        return before, what
    if found := _WITHOUT_ZH.fullmatch(words):
        before, what, after = found["before"], found["what"].rstrip("。"), found["after"] or ""
        if before and after:  # 的 is a part of what is negated: 街道没有红色的汽车
            return before, f"{what}的{after}"
        return before + after, what
    return None


def _term(sign: str, words: str) -> QueryTerm:
    """Return a term whose text is still escaped."""
    if not words:
        raise QueryError(f"expected words after {sign!r}, found none; for the character itself write \\{sign}")
    weight = 1.0
    if match := _WEIGHT.match(words):
        weight, rest = float(match["number"]), words[match.end() :]
        if not 0 < weight <= MAX_WEIGHT:
            raise QueryError(f"expected a weight above 0 and up to {MAX_WEIGHT:g}, found {match['number']}")
        if not rest:
            raise QueryError(f"expected words after {words!r}, found none; for the characters themselves write \\:")
        words = rest
    return QueryTerm(words, -weight if sign == "-" else weight)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _plain_sign(sign: str) -> str:
    return "+" if sign in "+＋" else "-"
