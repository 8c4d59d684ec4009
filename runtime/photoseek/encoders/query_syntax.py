r"""The grammar of queries, the same for the page, the command line, the service and the library.

``dog + beach - person``
    Terms are added and subtracted. A sign is between spaces, or at the start before a space; ``t-shirt``,
    ``black-and-white`` and ``C++`` are words. The full-width signs of Chinese, ＋ and －, need no spaces.
``2:red car + 0.5:snow``
    The number before the colon is the weight of the term, which defaults to 1. ``16:9`` and ``12:30`` are words, since
    a digit follows.
``rock \+ roll``, ``2\:red``
    A backslash escapes a sign or a colon; ``\\`` is a backslash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from photoseek.errors import QueryError

MAX_TERMS = 16
"""Maximum number of terms in a query: each is a run of a tower."""

MAX_WEIGHT = 100.0
"""Maximum weight of a term."""

_SIGN = re.compile(r"(?:^|(?<=\s))[+\-](?=\s|$)|(?<!\\)[＋－]")
_WEIGHT = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)[:：](?!\d)\s*", re.ASCII)
_ESCAPED = re.compile(r"\\([\\+\-:＋－：])")


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
    if len(spans) > MAX_TERMS:
        raise QueryError(f"expected at most {MAX_TERMS} terms in a query, found {len(spans)}")
    return tuple(_term(sign, span.strip()) for sign, span in zip(signs, spans, strict=True))


def require_text(text: object, what: str) -> None:
    """Check that a value is a str.

    Raises:
        QueryError: It is not; the encoding of bytes is unknown.
    """
    if not isinstance(text, str):
        raise QueryError(f"expected {what} as a str, found {type(text).__name__}")


def escape(text: str) -> str:
    """Return a query for these words, with their signs escaped."""
    return re.sub(r"[\\+\-:＋－：]", lambda match: f"\\{match.group()}", text)


def _term(sign: str, words: str) -> QueryTerm:
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
    return QueryTerm(_ESCAPED.sub(r"\1", words), -weight if sign == "-" else weight)


def _plain_sign(sign: str) -> str:
    return {"＋": "+", "－": "-"}.get(sign, sign)
