"""Positions of the objects of a scene: the width of each group, and a spot for each of its objects."""

from __future__ import annotations

import math
from dataclasses import dataclass

from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import KINDS, SIZE_FACTORS, Layer, Position, Thing

WIDTH, HEIGHT = 320, 240
_WIDE, _NARROW = 148.0, 102.0
_CENTRES: dict[float, dict[Position, float]] = {
    _WIDE: {"left": 82.0, "middle": 160.0, "right": 238.0},
    _NARROW: {"left": 55.0, "middle": 160.0, "right": 265.0},
}
_BASELINES: dict[Layer, float] = {"water": 172.0, "back": 170.0, "ground": 214.0, "front": 229.0}
_SKY_TOP, _SKY_BOTTOM = 6.0, 104.0


@dataclass(frozen=True)
class Spot:
    """The position of an object: the center of its lower edge, its scale, and whether it faces left."""

    x: float
    y: float
    scale: float
    mirrored: bool


def span_of(thing: Thing, things: tuple[Thing, ...]) -> float:
    """Return the maximum width of a group: a third of the image if three groups are next to each other, else half."""
    standing = {other.position for other in things if other.layer != "sky"}
    return _NARROW if len(standing) == 3 and thing.layer != "sky" else _WIDE


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
    middle, result = _CENTRES[span][thing.position], []
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
