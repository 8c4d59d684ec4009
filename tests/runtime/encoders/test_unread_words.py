"""The words of a query that a bundle does not read are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
from photoseek.encoders.unread_words import UnreadWords, unread_words
from photoseek.errors import QueryError
from tiny_bundle import write_tiny_bundle


@pytest.mark.parametrize(
    ("text", "unknown", "foreign"),
    [
        ("a red picture", (), ()),
        ("a red zebra", ("zebra",), ()),
        ("zebra and zebra", ("zebra",), ()),
        ("red - zebra", ("zebra",), ()),
        ("красный red", (), ("красный",)),
        ("红色的图", (), ("红色的图",)),
        ("red 红色 zebra", ("zebra",), ("红色",)),
        ("あか", (), ("あか",)),
        ("😀", ("😀",), ()),
    ],
)
def test_unread_words_are_named(
    text: str, unknown: tuple[str, ...], foreign: tuple[str, ...], tiny_bundle: Bundle
) -> None:
    assert unread_words(TextEncoder(tiny_bundle), text) == UnreadWords(unknown, foreign)


def test_a_bundle_with_a_chinese_tower_reads_chinese(tmp_path: Path) -> None:
    encoder = TextEncoder(Bundle.load(write_tiny_bundle(tmp_path / "both", chinese=True)))
    assert unread_words(encoder, "红色的图") == UnreadWords()
    assert unread_words(encoder, "红色的斑马") == UnreadWords(("斑马",))


def test_an_invalid_query_is_an_error(tiny_bundle: Bundle) -> None:
    with pytest.raises(QueryError):
        unread_words(TextEncoder(tiny_bundle), "red +")
