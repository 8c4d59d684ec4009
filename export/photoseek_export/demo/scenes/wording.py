"""Caption functions for all languages: a vocabulary from a TOML file, relations of groups, and variety."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import POSITIONS, Scene, Thing

CAPTIONS = 5
TIME_ODDS = 0.65  # probability that a caption mentions the time of day or the weather

Choices = dict[str, list[str]]
Style = Callable[[Scene, SeededRandom], str]


def read_words(language: str) -> dict[str, Any]:
    """Return the vocabulary of ``english`` or ``chinese``, a file in this folder."""
    return tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text("utf-8"))


def time_phrase(words: dict[str, Any], scene: Scene, rng: SeededRandom) -> str:
    """Return time of day and weather in one phrase, true of the scene."""
    outdoors = {} if scene.place == "living room" else words["outdoor_time"].get(scene.time, {})
    fitting = outdoors.get(scene.weather, ())
    return str(rng.pick(fitting if fitting and rng.bernoulli(0.6) else words["any_time"][scene.time]))


def adjacent(scene: Scene, first: Thing, second: Thing) -> bool:
    """Return whether no group is between the two."""
    return len({thing.position for thing in scene.things if thing.layer != "sky"}) < 3 or "middle" in (
        first.position,
        second.position,
    )


def side(first: Thing, second: Thing) -> str:
    """Return the side of the second at which the first is."""
    return "left" if POSITIONS.index(first.position) < POSITIONS.index(second.position) else "right"


def has_pair(scene: Scene) -> bool:
    """Return whether one group is in front of another."""
    return any(thing.layer == "front" for thing in scene.things)


def related_first(scene: Scene, rng: SeededRandom) -> list[Thing]:
    """Return the groups in random order, but a pair in front of and behind each other first."""
    return sorted(rng.shuffled(scene.things), key=lambda thing: has_pair(scene) and thing.layer == "sky")


def different(
    scene: Scene, rng: SeededRandom, styles: Sequence[Style], short: Style, finish: Callable[[str, SeededRandom], str]
) -> list[str]:
    """Return one caption in each of five styles, ``short`` often among them; no two differ in case or period only."""
    chosen = rng.shuffled(styles)[:CAPTIONS]
    if rng.bernoulli(0.6):
        chosen[-1] = short
    texts: dict[str, str] = {}  # by the text in lowercase without a period
    for style in rng.shuffled(chosen):
        while (plain := (text := finish(style(scene, rng), rng)).lower().rstrip(".")) in texts:
            continue
        texts[plain] = text
    return list(texts.values())
