"""Composing a scene from a seed: which things, where they stand, and that there is room for them."""

from __future__ import annotations

from collections.abc import Iterator

from photoseek_export.demo.scenes.layout import room_scale, span_of
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import (
    KINDS,
    PLACES,
    POSITIONS,
    SIZE_FACTORS,
    TIMES,
    Layer,
    Position,
    Scene,
    Size,
    Thing,
    names_of,
)

STREAM = 7_001
LEAST_SCALE = 0.72  # things drawn smaller than this are hard to know at 112 pixels
LEAST_SHARE = 0.8  # of the scale that its size asks for, so that "big" is true
_COUNT_ODDS = (1, 1, 1, 2, 2, 3, 4)
_SIZE_ODDS: tuple[Size, ...] = ("medium", "medium", "small", "big")
_BACK = ("house", "tree", "train", "bus", "tent")
_FRONT = ("dog", "cat", "sheep", "ball", "flower", "car", "bicycle")


def compose(seed: int) -> Scene:
    """The scene of a seed: the same for ever, on every machine."""
    chance = Chance(STREAM, seed)
    place = chance.pick(tuple(PLACES))
    time = chance.pick(TIMES)
    weather = chance.pick([w for w in PLACES[place].weathers if time != "sunset" or w in ("clear", "cloudy")])
    while True:
        things = _things(chance, place)
        if _is_good(things):
            return Scene(place, time, weather, things)


def _things(chance: Chance, place: str) -> tuple[Thing, ...]:
    """Two or three groups: one or two that stand (or one before another), then water and sky."""
    if chance.happens(0.22) and _rear(place):
        return _one_before_another(chance, place)
    layers: list[Layer] = ["ground", "ground"] if chance.happens(0.65) else ["ground"]
    if names_of("water", place) and chance.happens(0.7):
        layers.append("water")
    if len(layers) < 2 or (len(layers) == 2 and chance.happens(0.7)):
        layers.append("sky" if chance.happens(0.8) else "ground")
    standing = iter(_positions(chance, sum(layer != "sky" for layer in layers)))
    return tuple(_random_thing(chance, place, layer, standing) for layer in layers)


def _random_thing(chance: Chance, place: str, layer: Layer, standing: Iterator[Position]) -> Thing:
    name = chance.pick(names_of(layer, place))
    return _thing(chance, name, layer, chance.pick(POSITIONS) if layer == "sky" else next(standing))


def _positions(chance: Chance, groups: int) -> list[Position]:
    if groups == 1:
        return [chance.pick(POSITIONS)]
    return chance.shuffled(("left", "right") if groups == 2 else POSITIONS)


def _rear(place: str) -> list[str]:
    """What can stand behind something else here; beside water there is no room at the back."""
    return [] if names_of("water", place) else [name for name in _BACK if place in KINDS[name].places]


def _one_before_another(chance: Chance, place: str) -> tuple[Thing, ...]:
    position = chance.pick(POSITIONS)
    front = chance.pick([name for name in _FRONT if place in KINDS[name].places])
    things = [_thing(chance, front, "front", position)]
    things.append(_thing(chance, chance.pick(_rear(place)), "back", position))
    if chance.happens(0.5):
        things.append(_thing(chance, chance.pick(names_of("sky", place)), "sky", chance.pick(POSITIONS)))
    return tuple(things)


def _thing(chance: Chance, name: str, layer: Layer, position: Position) -> Thing:
    kind = KINDS[name]
    count = chance.pick([n for n in _COUNT_ODDS if n <= kind.most])
    return Thing(name, chance.pick(kind.colors), count, chance.pick(_SIZE_ODDS), position, layer)


def _is_good(things: tuple[Thing, ...]) -> bool:
    """No kind twice, so that every phrase means one group; and room for every group."""
    kinds = {thing.kind for thing in things}
    return len(kinds) == len(things) and all(_has_room(thing, things) for thing in things)


def _has_room(thing: Thing, things: tuple[Thing, ...]) -> bool:
    least = max(LEAST_SCALE, LEAST_SHARE * SIZE_FACTORS[thing.size])
    return room_scale(thing, span_of(thing, things)) >= least
