"""Shapes of objects: buildings, plants, toys, furniture and vehicles."""

from __future__ import annotations

import math

from photoseek_export.demo.scenes.brush import INKS, RGB, Brush, blend, shade
from photoseek_export.demo.scenes.random_source import SeededRandom

WOOD: RGB = (124, 86, 56)
ROOF: RGB = (104, 84, 84)
LEAF: RGB = (70, 150, 70)
WHITE: RGB = (250, 250, 246)
GLOW: RGB = (255, 232, 150)
DARK: RGB = (60, 52, 54)
GLASS: RGB = (190, 226, 242)
TYRE: RGB = (52, 52, 58)
STEEL: RGB = (196, 200, 206)


def house(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw colored walls under a dark roof, a door, and lit windows."""
    peak, door = rng.between(86, 92), rng.pick((-12, 12))
    brush.box(16, 58, 27, peak, shade(ROOF, 0.9))
    brush.box(-38, 0, 38, 54, ink)
    brush.polygon([(-46, 50), (0, peak), (46, 50)], ROOF)
    brush.box(door - 8, 0, door + 8, 29, WOOD, radius=1)
    for x in (-1.7 * door, 2.3 * door):
        brush.box(x - 7, 24, x + 7, 40, GLOW)
    brush.ellipse(0, 64, 6, 6, GLOW)


def tent(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw an open ridge tent."""
    brush.polygon([(-43, 0), (-10, 60), (26, 60), (43, 0)], shade(ink, 0.84))
    brush.polygon([(-43, 0), (-10, 60), (22, 0)], ink)
    brush.polygon([(-22, 0), (-10, rng.between(36, 44)), (4, 0)], DARK, outlined=False)
    brush.line([(-10, 60), (-10, 66)], WOOD, 2.5)


def tree(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a trunk under a round crown; now and then a green one is a fir."""
    brush.polygon([(-7, 0), (7, 0), (4, 46), (-4, 46)], WOOD)
    if ink[1] > 1.5 * max(ink[0], ink[2]) and rng.bernoulli(0.4):
        for low, wide in ((22, 32), (44, 26), (64, 19)):
            brush.polygon([(-wide, low), (wide, low), (0, low + 36)], ink)
        return
    for x, y, radius in ((-17, 52, 16), (17, 52, 16), (-12, 72, 17), (13, 72, 17), (0, 82, 16)):
        brush.ellipse(x, y + rng.between(-2, 2), radius, radius, ink)
    brush.ellipse(0, 62, 22, 22, ink, outlined=False)
    for x, y in ((-10, 74), (9, 66), (-6, 54)):
        brush.ellipse(x, y, 4, 3, blend(ink, WHITE, 0.25), outlined=False)


def flower(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw six petals on a stem with two leaves."""
    turn = rng.between(0, 1)
    brush.line([(0, 0), (0, 40)], LEAF, 3.6)
    for side in (-1, 1):
        brush.polygon([(0, 8), (side * 9, 20), (side * 15, 21), (side * 10, 11)], LEAF)
    for i in range(6):
        angle = (i + turn) * math.pi / 3
        brush.ellipse(10 * math.cos(angle), 43 + 10 * math.sin(angle), 7.6, 7.6, ink)
    centre = INKS["brown"] if ink[0] > 220 and 180 < ink[1] < 235 else (255, 214, 70)
    brush.ellipse(0, 43, 6, 6, centre)


def ball(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a toy ball: its color, with a white band and a glint."""
    brush.ellipse(0, 18, 18, 18, ink)
    tilt = rng.between(-5, 5)
    brush.polygon([(-17, 17 - tilt), (0, 13), (17, 17 + tilt), (17, 23 + tilt), (0, 19), (-17, 23 - tilt)], WHITE)
    brush.ellipse(-7, 28, 3.4, 2.6, blend(ink, WHITE, 0.7), outlined=False)


def umbrella(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw an open parasol, some of its panels lighter."""
    brush.line([(0, 0), (0, 70)], WOOD, 4)
    brush.dome(0, 38, 36, rng.between(29, 33), ink)
    for x in (-18, 18):
        brush.polygon([(x * 1.4, 38), (x * 0.6, 38), (0, 68)], blend(ink, WHITE, 0.45), outlined=False)
    for x in (-27, -9, 9, 27):
        brush.ellipse(x, 38, 9, 4, ink)
    brush.ellipse(0, 70, 3, 3, WOOD)


def balloon(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a toy balloon on a waving string."""
    sway = rng.between(-4, 4)
    brush.line([(0, 24), (sway, 16), (-sway, 8), (sway, 0)], (150, 150, 156), 1.4)
    brush.polygon([(0, 26), (-4, 21), (4, 21)], ink)
    brush.ellipse(0, 43, 16.5, 19, ink)
    brush.ellipse(-6, 51, 3.2, 5, blend(ink, WHITE, 0.65), outlined=False)


def kite(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a diamond with a tail of bows."""
    sway = rng.between(3, 7)
    tail = [(0.0, 32.0), (sway, 22.0), (-sway, 12.0), (sway, 0.0)]
    brush.line(tail, (110, 100, 110), 1.6)
    for x, y in tail[1:]:
        brush.polygon([(x - 6, y + 3), (x + 6, y - 3), (x + 6, y + 3), (x - 6, y - 3)], ink)
    brush.polygon([(0, 32), (-23, 56), (0, 76), (23, 56)], ink)
    brush.polygon([(0, 32), (-23, 56), (0, 56)], blend(ink, WHITE, 0.3), outlined=False)
    brush.line([(0, 33), (0, 75)], shade(ink, 0.55), 1.6)
    brush.line([(-22, 56), (22, 56)], shade(ink, 0.55), 1.6)


def sofa(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw two seats between rounded arms."""
    for x in (-46, 46):
        brush.box(x - 4, 0, x + 4, 8, WOOD)
    brush.box(-48, 14, 48, 62, ink, radius=10)
    for left in (-42, 1):
        brush.box(left, 24, left + 41, 56, blend(ink, WHITE, 0.14), radius=6)
    brush.box(-46, 6, 46, 28, ink, radius=5)
    for left in (-58, 42):
        brush.box(left, 6, left + 16, 42, ink, radius=7)
    if rng.bernoulli(0.5):
        brush.polygon([(-30, 28), (-14, 30), (-17, 46), (-33, 44)], blend(ink, WHITE, 0.6))


def lamp(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a standard lamp with a colored shade."""
    brush.box(-14, 0, 14, 5, DARK, radius=2)
    brush.line([(0, 4), (0, 66)], DARK, 3.4)
    brush.ellipse(0, 62, 5, 6, GLOW)
    wide = rng.between(10, 14)
    brush.polygon([(-23, 62), (23, 62), (wide, 97), (-wide, 97)], ink)


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
