"""Shapes of the things that travel: car, bus, train, bicycle, boat, plane."""

from __future__ import annotations

import math

from photoseek_export.demo.scenes.brush import RGB, Brush, blend, shade
from photoseek_export.demo.scenes.random_source import SeededRandom

GLASS: RGB = (190, 226, 242)
TYRE: RGB = (52, 52, 58)
STEEL: RGB = (196, 200, 206)
WHITE: RGB = (250, 250, 246)


def _wheel(brush: Brush, x: float, radius: float) -> None:
    brush.ellipse(x, radius, radius, radius, TYRE)
    brush.ellipse(x, radius, radius * 0.48, radius * 0.48, STEEL, outlined=False)


def car(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a car from the side: a saloon, a hatchback or a small van."""
    back, rear, front = rng.pick(((-32, -22, 14), (-43, -38, 14), (-28, -16, 10)))
    brush.polygon([(back, 26), (rear, 46), (front, 46), (28, 26)], ink)
    brush.polygon([(back + 7, 27), (rear + 4, 41), (-5, 41), (-5, 27)], GLASS, outlined=False)
    brush.polygon([(0, 27), (0, 41), (front - 2, 41), (21, 27)], GLASS, outlined=False)
    brush.box(-44, 8, 44, 28, ink, radius=8)
    brush.box(38, 18, 44, 24, (255, 240, 150), outlined=False)
    brush.box(-44, 18, -40, 24, (200, 50, 50), outlined=False)
    _wheel(brush, -25, 11)
    _wheel(brush, 25, 11)


def bus(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a bus from the side, with a row of windows."""
    brush.box(-53, 8, 53, 58, ink, radius=7)
    for left in range(-48, 24, 18):
        brush.box(left, 32, left + 14, 51, GLASS, radius=2, outlined=False)
    brush.box(30, 12, 47, 51, GLASS, radius=2, outlined=False)
    brush.box(-53, 20, 26, 24, shade(ink, rng.pick((0.7, 1.3))), outlined=False)
    _wheel(brush, -31, 11)
    _wheel(brush, 24, 11)


def train(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a steam engine with one carriage on its rails."""
    brush.line([(-76, 0), (76, 0)], (120, 110, 104), 3)
    for i in range(rng.pick((2, 3))):
        brush.ellipse(56 - 10 * i, 68 + 9 * i, 7 + 2 * i, 6 + 2 * i, (238, 238, 240), outlined=False)
    brush.box(-70, 10, -14, 48, ink, radius=4)
    for left in (-64, -47, -30):
        brush.box(left, 26, left + 12, 41, GLASS, radius=2, outlined=False)
    brush.box(-8, 10, 22, 56, ink, radius=3)
    brush.box(-2, 30, 15, 48, GLASS, radius=2, outlined=False)
    brush.box(-12, 54, 26, 60, shade(ink, 0.6))
    brush.box(20, 12, 66, 38, ink, radius=6)
    brush.polygon([(50, 38), (47, 58), (63, 58), (60, 38)], (60, 58, 62))
    brush.polygon([(64, 4), (64, 16), (76, 4)], (60, 58, 62))
    for x, radius in ((-58, 8), (-28, 8), (6, 12), (34, 9), (56, 9)):
        _wheel(brush, x, radius)


def bicycle(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw two wheels with colored mudguards and a thick frame."""
    for x in (-24, 24):
        brush.ring(x, 17, 17, TYRE, 3.6)
        brush.ring(x, 17, 13.4, ink, 2.6)
        for i in range(3):
            dx, dy = 12 * math.cos(i * math.pi / 3), 12 * math.sin(i * math.pi / 3)
            brush.line([(x - dx, 17 - dy), (x + dx, 17 + dy)], STEEL, 1)
    seat = rng.between(42, 46)
    brush.line([(-24, 17), (-11, 38), (16, 40), (-1, 17), (-24, 17)], ink, 6)
    brush.line([(-11, 38), (-1, 17)], ink, 5)
    brush.line([(24, 17), (15, 46)], ink, 5)
    brush.line([(15, 47), (15, 52), (24, 54)], TYRE, 4)
    brush.line([(-11, 38), (-13, seat)], ink, 4)
    brush.line([(-20, seat + 1), (-7, seat + 1)], TYRE, 5)


def boat(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a sailing boat: hull and main sail in its color, a white foresail."""
    sail = rng.between(66, 72)
    brush.line([(0, 16), (0, sail + 3)], (120, 84, 56), 3)
    brush.polygon([(-3, 22), (-3, sail), (-33, 22)], ink)
    brush.polygon([(3, 22), (3, sail - 8), (27, 22)], WHITE)
    brush.polygon([(-40, 18), (40, 18), (28, 0), (-28, 0)], ink)
    brush.line([(-36, 13), (36, 13)], blend(ink, WHITE, 0.7), 2.5)
    brush.line([(-44, 0), (-22, 1.5), (0, 0), (22, 1.5), (44, 0)], (214, 236, 246), 2.5)


def plane(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a plane from the side in level flight, tail to the left."""
    brush.polygon([(-40, 20), (-46, 44), (-34, 44), (-22, 26)], ink)
    brush.ellipse(0, 20, 46, 12, ink)
    brush.polygon([(24, 28), (30, 30), (42, 24), (40, 20), (26, 20)], GLASS, outlined=False)
    for x in range(-24, 20, 11):
        brush.ellipse(x, 23, 3.2, 3.2, GLASS, outlined=False)
    brush.polygon([(10, 18), (-8, 18), (rng.between(-30, -22), 0), (-12, 0)], shade(ink, 0.82))
