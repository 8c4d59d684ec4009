"""Landscapes: beach, meadow, mountain lake, snowy field, desert.

Nothing in them resembles an object of the vocabulary.
"""

from __future__ import annotations

from photoseek_export.demo.scenes.brush import RGB, Brush, shade
from photoseek_export.demo.scenes.ground import GRASS, SNOW, hill, level, ripples, tufts
from photoseek_export.demo.scenes.layout import HEIGHT, WIDTH
from photoseek_export.demo.scenes.random_source import SeededRandom

SEA: RGB = (70, 150, 200)
SAND: RGB = (244, 220, 160)
SNOWLINE = 0.32  # fraction of a peak that is white


def beach(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw sea up to the horizon, sand before it, and a few shells."""
    level(brush, 102, SEA)
    ripples(brush, rng, shade(SEA, 1.25), 102, 165)
    hill(brush, rng, 176, (226, 240, 246), 4)
    hill(brush, rng, 180, SAND, 4)
    for _ in range(9):
        x, y = rng.between(6, WIDTH - 6), HEIGHT - rng.between(192, 236)
        brush.ellipse(x, y, 2.4, 1.8, rng.pick(((255, 246, 230), (236, 190, 160))), outlined=False)


def meadow(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw rolling hills of grass with tiny daisies."""
    hill(brush, rng, 118, shade(GRASS, 0.82), 14)
    hill(brush, rng, 138, shade(GRASS, 0.92), 10)
    hill(brush, rng, 165, GRASS, 6)
    tufts(brush, rng, shade(GRASS, 0.75), 150, 26)
    for _ in range(22):
        x, y = rng.between(4, WIDTH - 4), HEIGHT - rng.between(150, 236)
        brush.ellipse(x, y, 1.5, 1.5, (255, 255, 240), outlined=False)


def mountain_lake(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw snow-capped mountains, a lake, and a grassy bank."""
    _peaks(brush, rng, 118, (128, 142, 166))
    hill(brush, rng, 116, (96, 150, 112), 3)
    level(brush, 120, (84, 162, 190))
    ripples(brush, rng, (140, 200, 218), 120, 186)
    hill(brush, rng, 192, shade(GRASS, 0.86), 4)
    tufts(brush, rng, shade(GRASS, 0.66), 200, 14)


def _peaks(brush: Brush, rng: SeededRandom, y: float, ink: RGB) -> None:
    for i in range(4):
        x, tall, wide = 100 * i - 10 + rng.between(-24, 24), rng.between(46, 84), rng.between(66, 92)
        foot = HEIGHT - y
        rock = shade(ink, rng.between(0.88, 1.05))
        brush.polygon([(x - wide, foot), (x, foot + tall), (x + wide, foot)], rock)
        left, right, low = x - wide * SNOWLINE, x + wide * SNOWLINE, foot + tall * (1 - SNOWLINE)
        brush.polygon([(left, low), (x, foot + tall), (right, low), (x + 8, low + 6), (x - 6, low - 2)], SNOW)


def snowy_field(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw drifts of snow before white hills."""
    hill(brush, rng, 112, (196, 212, 232), 20)
    hill(brush, rng, 132, (216, 228, 242), 12)
    hill(brush, rng, 158, SNOW, 7)
    for _ in range(7):
        x, y = rng.between(0, WIDTH), HEIGHT - rng.between(172, 234)
        brush.line([(x - 14, y), (x, y + 3), (x + 14, y)], (208, 222, 238), 2)


def desert(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw dunes with a few cacti."""
    hill(brush, rng, 112, (226, 176, 112), 16)
    hill(brush, rng, 138, (236, 190, 124), 10)
    for x in (rng.between(10, 110), rng.between(200, 310)):
        _cactus(brush, x, HEIGHT - rng.between(142, 156))
    hill(brush, rng, 172, (246, 206, 140), 5)


def _cactus(brush: Brush, x: float, y: float) -> None:
    ink: RGB = (112, 146, 92)
    brush.line([(x, y - 24), (x, y + 26)], ink, 7)
    brush.line([(x, y + 4), (x - 12, y + 6), (x - 12, y + 16)], ink, 5)
    brush.line([(x, y + 8), (x + 11, y + 10), (x + 11, y + 20)], ink, 5)
