"""What people type when they look for a scene: short phrases that name only a part of it, each true of the picture."""

from __future__ import annotations

from photoseek_export.demo.scenes.english.phrases import PLACE_NAMES, WHERE, a_noun, a_number, thing_phrase, time_phrase
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_004
QUERIES = 4
_LINKS = ("and", "with", "and", "next to")


def queries(scene: Scene, seed: int) -> list[str]:
    """Four phrases, one of each kind: one group, its kind alone, two groups, the place."""
    chance = Chance(STREAM, seed)
    return [style(scene, chance) for style in (_one_group, _one_kind, _two_groups, _place)]


def _one_group(scene: Scene, chance: Chance) -> str:
    """A red car at night."""
    return thing_phrase(chance.pick(scene.things), chance) + _setting(scene, chance, 0.4)


def _one_kind(scene: Scene, chance: Chance) -> str:
    """A cat in a living room."""
    return kind_phrase(chance.pick(scene.things), chance) + _setting(scene, chance, 0.7)


def _two_groups(scene: Scene, chance: Chance) -> str:
    """A car and a brown tree in the park."""
    first, second = chance.shuffled(scene.things)[:2]
    described = [
        thing_phrase(thing, chance) if chance.happens(0.6) else kind_phrase(thing, chance) for thing in (first, second)
    ]
    beside = "sky" not in (first.layer, second.layer) and len(scene.things) == 2
    link = chance.pick(_LINKS if beside else _LINKS[:-1])
    return f"{described[0]} {link} {described[1]}{_setting(scene, chance, 0.4)}"


def _place(scene: Scene, chance: Chance) -> str:
    """A beach at sunset."""
    return f"{chance.pick(PLACE_NAMES[scene.place])} {time_phrase(scene, chance)}"


def kind_phrase(thing: Thing, chance: Chance) -> str:
    """A group without its colour: "a cat", "two cats", "cats"."""
    noun, number = a_noun(thing, chance), a_number(thing, chance)
    if thing.count > 1 and chance.happens(0.5):
        return noun
    return f"an {noun}" if number == "a" and noun[0] in "aeiou" else f"{number} {noun}"


def _setting(scene: Scene, chance: Chance, odds: float) -> str:
    """The place, the time, both, or nothing: each said with the given odds."""
    where = f" {chance.pick(WHERE[scene.place])}" if chance.happens(odds) else ""
    when = f" {time_phrase(scene, chance)}" if chance.happens(odds) else ""
    return where + when
