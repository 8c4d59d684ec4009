"""English search queries for a scene: short phrases that name a part of it, each true of the image."""

from __future__ import annotations

from photoseek_export.demo.scenes.english.phrases import PLACE_NAMES, WHERE, a_noun, a_number, thing_phrase, time_phrase
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_004
QUERIES = 4
_LINKS = ("and", "with", "and", "next to")


def queries(scene: Scene, seed: int) -> list[str]:
    """Return four phrases, one of each type: one group, its kind alone, two groups, the place."""
    rng = SeededRandom(STREAM, seed)
    return [style(scene, rng) for style in (_one_group, _one_kind, _two_groups, _place)]


def _one_group(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A red car at night."""
    return thing_phrase(rng.pick(scene.things), rng) + _setting(scene, rng, 0.4)


def _one_kind(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A cat in a living room."""
    return kind_phrase(rng.pick(scene.things), rng) + _setting(scene, rng, 0.7)


def _two_groups(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A car and a brown tree in the park."""
    first, second = rng.shuffled(scene.things)[:2]
    described = [
        thing_phrase(thing, rng) if rng.bernoulli(0.6) else kind_phrase(thing, rng) for thing in (first, second)
    ]
    beside = "sky" not in (first.layer, second.layer) and len(scene.things) == 2
    link = rng.pick(_LINKS if beside else _LINKS[:-1])
    return f"{described[0]} {link} {described[1]}{_setting(scene, rng, 0.4)}"


def _place(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A beach at sunset."""
    return f"{rng.pick(PLACE_NAMES[scene.place])} {time_phrase(scene, rng)}"


def kind_phrase(thing: Thing, rng: SeededRandom) -> str:
    """Return a group without its color: "a cat", "two cats", "cats"."""
    noun, number = a_noun(thing, rng), a_number(thing, rng)
    if thing.count > 1 and rng.bernoulli(0.5):
        return noun
    return f"an {noun}" if number == "a" and noun[0] in "aeiou" else f"{number} {noun}"


def _setting(scene: Scene, rng: SeededRandom, odds: float) -> str:
    """Return the place, the time, both, or nothing, each with the given probability."""
    where = f" {rng.pick(WHERE[scene.place])}" if rng.bernoulli(odds) else ""
    when = f" {time_phrase(scene, rng)}" if rng.bernoulli(odds) else ""
    return where + when
