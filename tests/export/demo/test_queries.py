"""Queries about a scene are true of it and short."""

from __future__ import annotations

import re
from statistics import mean

from photoseek_export.demo.scenes.english import NOUNS, QUERIES
from photoseek_export.demo.scenes.scenes import captions, compose, queries
from photoseek_export.demo.scenes.world import COLORS, PLACES

SEEDS = range(400)
KIND_OF = {noun: kind for kind, names in NOUNS.items() for pair in names for noun in pair}
NOUN = re.compile(r"\b(" + "|".join(sorted(KIND_OF, key=len, reverse=True)) + r")\b")
COLOR = re.compile(r"\b(" + "|".join(COLORS) + r")\b")


def test_every_named_kind_and_color_is_in_the_scene() -> None:
    for seed in SEEDS:
        scene = compose(seed)
        for query in queries(scene, seed):
            named = {KIND_OF[noun] for noun in NOUN.findall(query)}
            assert named <= {thing.kind for thing in scene.things}, query
            assert set(COLOR.findall(query)) <= {thing.color for thing in scene.things}, query


def test_there_is_one_query_of_each_type_in_order() -> None:
    for seed in SEEDS:
        one, kind, two, place = (len(set(NOUN.findall(query))) for query in queries(compose(seed), seed))
        assert (one, kind, place) == (1, 1, 0)
        assert two == 2
        assert not COLOR.search(queries(compose(seed), seed)[1])


def test_they_are_shorter_than_captions() -> None:
    def words(texts: list[str]) -> float:
        return mean(len(text.split()) for text in texts)

    assert mean(words(queries(compose(seed), seed)) for seed in SEEDS) < 0.6 * mean(
        words(captions(compose(seed), seed)) for seed in SEEDS
    )


def test_queries_of_a_seed_never_change() -> None:
    assert queries(compose(0), 0) == [
        "a purple balloon",
        "a car in a sandy desert on a cloudy night",
        "a purple balloon and two tall children wearing pink in a desert at night under clouds",
        "a desert with dunes at night",
    ]
    assert len(queries(compose(1), 1)) == QUERIES
    assert queries(compose(1), 1) != queries(compose(1), 2)


def test_every_place_occurs() -> None:
    assert {compose(seed).place for seed in SEEDS} == set(PLACES)
