"""The vocabulary: English and Chinese words, each a valid query."""

from __future__ import annotations

import pytest

from photoseek.encoders.query_syntax import parse_query
from photoseek.languages import LANGUAGES, detect_language
from photoseek.search.vocabulary import vocabulary, vocabulary_groups


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_word_is_unique_in_its_language_and_one_term_of_a_query(language: str) -> None:
    words = vocabulary(language)
    assert len(words) == len(set(words)) == len(vocabulary("en")) > 400
    assert {detect_language(word) for word in words} == {language}
    assert [[(term.text, term.weight) for term in parse_query(word)] for word in words] == [
        [(word, 1.0)] for word in words
    ]


def test_translations_are_in_the_same_order_and_other_languages_have_english_words() -> None:
    english, chinese = vocabulary_groups("en"), vocabulary_groups("zh")
    assert english.keys() == chinese.keys()
    assert chinese["animals"][english["animals"].index("dog")] == "狗"
    assert vocabulary("fr") == vocabulary("en")
