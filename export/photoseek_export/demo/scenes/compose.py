"""Composition of a scene from a seed: its objects, their positions, and checks that they fit."""

from __future__ import annotations

from collections.abc import Iterator

from photoseek_export.demo.scenes.layout import room_scale, span_of
from photoseek_export.demo.scenes.random_source import SeededRandom
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
    kind_names,
)

STREAM = 7_001
LEAST_SCALE = 0.72  # smaller objects are hard to recognize at 112 pixels
LEAST_SHARE = 0.8  # fraction of the nominal scale, so that "big" is true
_COUNT_ODDS = (1, 1, 1, 2, 2, 3, 4)
_SIZE_ODDS: tuple[Size, ...] = ("medium", "medium", "small", "big")
_BACK = ("house", "tree", "train", "bus", "tent")
_FRONT = ("dog", "cat", "sheep", "ball", "flower", "car", "bicycle")


def compose(seed: int) -> Scene:
    """Return the scene of a seed, identical on every machine."""
    rng = SeededRandom(STREAM, seed)
    place = rng.pick(tuple(PLACES))
    time = rng.pick(TIMES)
    weather = rng.pick([w for w in PLACES[place].weathers if time != "sunset" or w in ("clear", "cloudy")])
    while True:
        things = _things(rng, place)
        if _is_good(things):
            return Scene(place, time, weather, things)


def _things(rng: SeededRandom, place: str) -> tuple[Thing, ...]:
    """Return two or three groups: one or two on the ground (or one in front of another), then water and sky."""
    if rng.bernoulli(0.22) and _rear(place):
        return _one_before_another(rng, place)
    layers: list[Layer] = ["ground", "ground"] if rng.bernoulli(0.65) else ["ground"]
    if kind_names("water", place) and rng.bernoulli(0.7):
        layers.append("water")
    if len(layers) < 2 or (len(layers) == 2 and rng.bernoulli(0.7)):
        layers.append("sky" if rng.bernoulli(0.8) else "ground")
    standing = iter(_positions(rng, sum(layer != "sky" for layer in layers)))
    return tuple(_random_thing(rng, place, layer, standing) for layer in layers)


def _random_thing(rng: SeededRandom, place: str, layer: Layer, standing: Iterator[Position]) -> Thing:
    name = rng.pick(kind_names(layer, place))
    return _thing(rng, name, layer, rng.pick(POSITIONS) if layer == "sky" else next(standing))


def _positions(rng: SeededRandom, groups: int) -> list[Position]:
    if groups == 1:
        return [rng.pick(POSITIONS)]
    return rng.shuffled(("left", "right") if groups == 2 else POSITIONS)


def _rear(place: str) -> list[str]:
    """Return the kinds that can be at the back of a place; at the waterside there are none."""
    return [] if kind_names("water", place) else [name for name in _BACK if place in KINDS[name].places]


def _one_before_another(rng: SeededRandom, place: str) -> tuple[Thing, ...]:
    position = rng.pick(POSITIONS)
    front = rng.pick([name for name in _FRONT if place in KINDS[name].places])
    things = [_thing(rng, front, "front", position)]
    things.append(_thing(rng, rng.pick(_rear(place)), "back", position))
    if rng.bernoulli(0.5):
        things.append(_thing(rng, rng.pick(kind_names("sky", place)), "sky", rng.pick(POSITIONS)))
    return tuple(things)


def _thing(rng: SeededRandom, name: str, layer: Layer, position: Position) -> Thing:
    kind = KINDS[name]
    count = rng.pick([n for n in _COUNT_ODDS if n <= kind.most])
    return Thing(name, rng.pick(kind.colors), count, rng.pick(_SIZE_ODDS), position, layer)


def _is_good(things: tuple[Thing, ...]) -> bool:
    """Return whether no kind occurs twice, so that every phrase is unambiguous, and whether every group fits."""
    kinds = {thing.kind for thing in things}
    return len(kinds) == len(things) and all(_has_room(thing, things) for thing in things)


def _has_room(thing: Thing, things: tuple[Thing, ...]) -> bool:
    least = max(LEAST_SCALE, LEAST_SHARE * SIZE_FACTORS[thing.size])
    return room_scale(thing, span_of(thing, things)) >= least
