"""Composition of a scene from a seed: its objects, whether they fit, and a spot for each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import (
    KINDS,
    PLACES,
    POSITIONS,
    SIZE_FACTORS,
    TIMES,
    WIDTH,
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
_WIDE, _NARROW = 148.0, 102.0
_CENTERS: dict[float, dict[Position, float]] = {
    _WIDE: {"left": 82.0, "middle": 160.0, "right": 238.0},
    _NARROW: {"left": 55.0, "middle": 160.0, "right": 265.0},
}
_BASELINES: dict[Layer, float] = {"water": 172.0, "back": 170.0, "ground": 214.0, "front": 229.0}
_SKY_TOP, _SKY_BOTTOM = 6.0, 104.0


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
    positions = iter(_positions(rng, sum(layer != "sky" for layer in layers)))
    return tuple(_random_thing(rng, place, layer, positions) for layer in layers)


def _random_thing(rng: SeededRandom, place: str, layer: Layer, positions: Iterator[Position]) -> Thing:
    name = rng.pick(kind_names(layer, place))
    return _thing(rng, name, layer, rng.pick(POSITIONS) if layer == "sky" else next(positions))


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


@dataclass(frozen=True)
class Spot:
    """The position of an object: the center of its lower edge, its scale, and whether it faces left."""

    x: float
    y: float
    scale: float
    mirrored: bool


def span_of(thing: Thing, things: tuple[Thing, ...]) -> float:
    """Return the maximum width of a group: a third of the image if three groups are next to each other, else half."""
    occupied = {other.position for other in things if other.layer != "sky"}
    return _NARROW if len(occupied) == 3 and thing.layer != "sky" else _WIDE


def columns_of(thing: Thing) -> int:
    """Return the number of columns: three or four objects form two rows if they fly or are low."""
    low = KINDS[thing.kind].height <= 52 and thing.layer != "front"
    stacked = thing.layer == "sky" or low
    return math.ceil(thing.count / 2) if thing.count >= 3 and stacked else thing.count


def room_scale(thing: Thing, span: float) -> float:
    """Return the scale at which a group fits its span (and the sky, if it flies), at most that of its size."""
    kind, columns = KINDS[thing.kind], columns_of(thing)
    scale = min(SIZE_FACTORS[thing.size], 1.06 * span / (columns * kind.width))
    if thing.layer == "sky":
        rows = math.ceil(thing.count / columns)
        scale = min(scale, (_SKY_BOTTOM - _SKY_TOP) / (rows * kind.height))
    return scale


def spots(thing: Thing, things: tuple[Thing, ...], baseline: float | None, rng: SeededRandom) -> list[Spot]:
    """Return a spot for each object of a group, back to front; `baseline` overrides the default of the layer."""
    span = span_of(thing, things)
    scale, columns = room_scale(thing, span), columns_of(thing)
    step = min(span / columns, KINDS[thing.kind].width * scale * 1.25)
    base = _sky_base(thing, scale, columns, rng) if thing.layer == "sky" else (baseline or _BASELINES[thing.layer])
    mirrored = rng.bernoulli(0.5)
    middle, result = _CENTERS[span][thing.position], []
    for i in range(thing.count):
        x, y = _cell(thing, i, columns, step, scale)
        x = _inside(x + middle + rng.between(-3, 3), KINDS[thing.kind].width * scale)
        result.append(Spot(x, base + y + rng.between(-3, 3), scale, mirrored))
    return sorted(result, key=lambda spot: spot.y)


def _inside(x: float, width: float) -> float:
    """Return the x coordinate, moved so that an object of this width is inside the image."""
    return min(max(x, width / 2 + 3), WIDTH - width / 2 - 3)


def _cell(thing: Thing, i: int, columns: int, step: float, scale: float) -> tuple[float, float]:
    """Return the offset of the i-th object from the group's center: rows go up, short rows are centered."""
    row, column = divmod(i, columns)
    in_row = min(columns, thing.count - row * columns)
    rise = KINDS[thing.kind].height * scale * (1.0 if thing.layer == "sky" else 0.85)
    shift = 0.0 if thing.layer == "sky" or in_row < columns else 0.12 * step * (1 if row else -1)
    return (column - (in_row - 1) / 2) * step + shift, -row * rise


def _sky_base(thing: Thing, scale: float, columns: int, rng: SeededRandom) -> float:
    """Return the lower edge of the lowest row, such that the highest row is inside the image."""
    tall = math.ceil(thing.count / columns) * KINDS[thing.kind].height * scale
    return rng.between(min(_SKY_TOP + tall, _SKY_BOTTOM), _SKY_BOTTOM)
