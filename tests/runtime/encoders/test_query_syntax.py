"""The grammar of queries: signs between spaces separate terms, and everything else is words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoseek.encoders.query_syntax import MAX_TERMS, QueryTerm, escape, parse_query
from photoseek.errors import QueryError


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  \n ", []),
        ("two dogs on a beach", [("two dogs on a beach", 1)]),
        ("dog + beach - person", [("dog", 1), ("beach", 1), ("person", -1)]),
        ("2:red car", [("red car", 2)]),
        ("2: red car + .5:snow", [("red car", 2), ("snow", 0.5)]),
        ("dog - 1.5:cat", [("dog", 1), ("cat", -1.5)]),
        ("- person", [("person", -1)]),
        ("+ dog", [("dog", 1)]),
        ("a t-shirt, black-and-white, C++ +no", [("a t-shirt, black-and-white, C++ +no", 1)]),
        ("beach -people", [("beach", 1), ("people", -1)]),
        ("beach − people –dogs", [("beach", 1), ("people", -1), ("dogs", -1)]),
        ("snow at -5 degrees, 2019 – 2021", [("snow at -5 degrees, 2019 – 2021", 1)]),
        ("Paris — at night -- in rain", [("Paris — at night -- in rain", 1)]),
        ("beach without people", [("beach", 1), ("people", -1)]),
        ("Beach, WITHOUT any people.", [("Beach", 1), ("people", -1)]),
        ("a street with no cars", [("a street", 1), ("cars", -1)]),
        ("2:beach, no people + sun", [("beach", 2), ("people", -2), ("sun", 1)]),
        ("no red cars", [("red cars", -1)]),
        ("a man without a shirt climbing a rock", [("a man without a shirt climbing a rock", 1)]),
        ("a boy without a shirt on", [("a boy without a shirt on", 1)]),
        ("a no parking sign", [("a no parking sign", 1)]),
        ("no smoking", [("no smoking", 1)]),
        ("dog - beach without people", [("dog", 1), ("beach without people", -1)]),
        (r"a car \without wheels", [("a car without wheels", 1)]),
        ("没有人的海滩", [("海滩", 1), ("人", -1)]),
        ("海滩，不要人", [("海滩", 1), ("人", -1)]),
        ("街道没有红色的汽车", [("街道", 1), ("红色的汽车", -1)]),
        ("没人的街道", [("街道", 1), ("人", -1)]),
        ("淹没的房子", [("淹没的房子", 1)]),
        (r"\没有人的海滩", [("没有人的海滩", 1)]),
        ("2023: summer", [("2023: summer", 1)]),
        ("007: a spy", [("007: a spy", 1)]),
        ("16:9 at 12:30", [("16:9 at 12:30", 1)]),
        ("title: a dog", [("title: a dog", 1)]),
        ("狗＋海滩－人", [("狗", 1), ("海滩", 1), ("人", -1)]),
        ("2：红色的汽车 + 雪", [("红色的汽车", 2), ("雪", 1)]),
        (r"rock \+ roll", [("rock + roll", 1)]),
        (r"\- \: \＋ \\ \n", [(r"- : ＋ \ \n", 1)]),
        (r"2\:red", [("2:red", 1)]),
    ],
)
def test_queries_are_parsed(text: str, terms: list[tuple[str, float]]) -> None:
    assert parse_query(text) == tuple(QueryTerm(words, weight) for words, weight in terms)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog +", "expected words after '\\+', found none; for the character itself write"),
        ("dog + - cat", "expected words after '\\+'"),
        ("-", "expected words after '-'"),
        ("2: + dog", "expected words after '2:', found none"),
        ("0:dog", "expected a weight above 0 and up to 100, found 0"),
        ("101:dog", "expected a weight above 0 and up to 100, found 101"),
        (" + ".join(["dog"] * (MAX_TERMS + 1)), "expected at most 16 terms in a query, found 17"),
    ],
)
def test_an_invalid_query_is_refused(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse_query(text)


WORDS = st.sampled_from(["without ", "no ", "没有", "不要", " -a", " – ", "2:", *"+-−–—:＋－：\\ 2没的"])


@given(st.lists(WORDS | st.characters(exclude_categories=["Cs"]), max_size=20).map("".join))
def test_any_text_can_be_escaped(text: str) -> None:
    assert [(term.text, term.weight) for term in parse_query(escape(text))] == (
        [(text.strip(), 1)] if text.strip() else []
    )


@given(st.lists(WORDS | st.sampled_from("a狗"), max_size=20).map("".join))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        terms = parse_query(text)
    except QueryError:
        return
    assert all(term.text and 0 < abs(term.weight) <= 100 for term in terms)
