"""Places: beach, meadow, mountain lake, snowy field, desert, street, park, harbor, farm, living room.

Nothing in them resembles an object of the vocabulary. Each function draws what is below the horizon; ``snowy`` means
that snow falls.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from photoseek_export.demo.scenes.brush import RGB, Brush, blend, shade
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import HEIGHT, WIDTH

GRASS: RGB = (150, 205, 104)
SNOW: RGB = (240, 246, 252)
SEA: RGB = (70, 150, 200)
SAND: RGB = (244, 220, 160)
STONE: RGB = (176, 172, 172)
SNOWLINE = 0.32  # fraction of a peak that is white


def level(brush: Brush, y: float, ink: RGB) -> None:
    """Draw ground below `y` pixels from the top."""
    brush.box(-2, -2, WIDTH + 2, HEIGHT - y, ink, outlined=False)


def hill(brush: Brush, rng: SeededRandom, y: float, ink: RGB, height: float = 12) -> None:
    """Draw ground below a rolling line around `y` pixels from the top."""
    phase, waves = rng.between(0, 6.3), rng.between(0.7, 1.5)
    xs = range(-4, WIDTH + 21, 16)
    top = [(x, HEIGHT - y + height * math.sin(phase + waves * x / 50)) for x in xs]
    brush.polygon([(-4, -4), *top, (WIDTH + 16, -4)], ink, outlined=False)


def scatter(
    rng: SeededRandom, count: int, across: tuple[float, float], down: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Yield random points; ``across`` is the range of x, ``down`` that of pixels from the top."""
    for _ in range(count):
        yield rng.between(*across), HEIGHT - rng.between(*down)


def whitened(ink: RGB, snowy: bool) -> RGB:
    """Return the color, covered with fresh snow if it snows."""
    return blend(ink, SNOW, 0.72) if snowy else ink


def tufts(brush: Brush, rng: SeededRandom, ink: RGB, top: float, amount: int) -> None:
    """Draw tufts of grass below `top` pixels from the top."""
    for x, y in scatter(rng, amount, (4, WIDTH - 4), (top, HEIGHT - 4)):
        brush.line([(x - 3, y + 4), (x, y), (x + 3, y + 4)], ink, 1)


def ripples(brush: Brush, rng: SeededRandom, ink: RGB, top: float, bottom: float) -> None:
    """Draw short waves between `top` and `bottom` pixels from the top."""
    for x, y in scatter(rng, 16, (0, WIDTH), (top + 4, bottom - 4)):
        brush.line([(x, y), (x + rng.between(8, 24), y)], ink, 1)


def beach(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw sea up to the horizon, sand before it, and a few shells."""
    level(brush, 102, SEA)
    ripples(brush, rng, shade(SEA, 1.25), 102, 165)
    hill(brush, rng, 176, (226, 240, 246), 4)
    hill(brush, rng, 180, SAND, 4)
    for x, y in scatter(rng, 9, (6, WIDTH - 6), (192, 236)):
        brush.ellipse(x, y, 2.4, 1.8, rng.pick(((255, 246, 230), (236, 190, 160))), outlined=False)


def meadow(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw rolling hills of grass with tiny daisies."""
    hill(brush, rng, 118, shade(GRASS, 0.82), 14)
    hill(brush, rng, 138, shade(GRASS, 0.92), 10)
    hill(brush, rng, 165, GRASS, 6)
    tufts(brush, rng, shade(GRASS, 0.75), 150, 26)
    for x, y in scatter(rng, 22, (4, WIDTH - 4), (150, 236)):
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
    for x, y in scatter(rng, 7, (0, WIDTH), (172, 234)):
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


def street(brush: Brush, rng: SeededRandom, snowy: bool) -> None:
    """Draw tall city blocks, a pavement, and a road with a dashed line."""
    x = -10.0
    while x < WIDTH:
        wide, tall = rng.between(38, 62), rng.between(62, 118)
        wall = rng.pick(((186, 178, 184), (170, 172, 186), (200, 190, 180), (160, 160, 172)))
        _block(brush, rng, x, wide, tall, wall)
        x += wide
    brush.box(-2, 40, WIDTH + 2, 74, whitened((206, 202, 196), snowy), outlined=False)
    brush.box(-2, -2, WIDTH + 2, 42, whitened((112, 114, 122), snowy), outlined=False)
    for left in range(-10, WIDTH, 56):
        brush.box(left, 14, left + 30, 18, (240, 236, 220), outlined=False)


def _block(brush: Brush, rng: SeededRandom, x: float, wide: float, tall: float, wall: RGB) -> None:
    brush.box(x, 70, x + wide, 70 + tall, wall)
    columns = int(wide // 13)
    for i in range(columns):
        for low in range(80, int(62 + tall), 15):
            pane: RGB = (255, 240, 180) if rng.bernoulli(0.4) else (214, 226, 234)
            left = x + 5 + i * (wide - 8) / columns
            brush.box(left, low, left + 7, low + 9, pane, outlined=False)


def park(brush: Brush, rng: SeededRandom, snowy: bool) -> None:
    """Draw a lawn with a hedge, a winding path, a bench and street lights."""
    lawn = whitened((132, 196, 110), snowy)
    level(brush, 122, lawn)
    for x in range(-6, WIDTH + 20, 22):
        brush.ellipse(x, 116, 17, 13 + rng.between(-2, 4), whitened((86, 150, 88), snowy), outlined=False)
    brush.box(-2, 100, WIDTH + 2, 112, whitened((86, 150, 88), snowy), outlined=False)
    way = rng.between(100, 220)
    path = [(way - 8, 102), (way + 8, 102), (way - 6, 76), (way + 44, 40), (way + 40, -4), (way - 60, -4)]
    brush.polygon([*path, (way - 16, 44), (way - 32, 76)], whitened((232, 214, 176), snowy), outlined=False)
    for post in (rng.between(16, 70), rng.between(250, 304)):
        brush.line([(post, 96), (post, 142)], (84, 84, 92), 2.5)
        brush.ellipse(post, 146, 6, 6, (255, 250, 210))
    _bench(brush, way + rng.pick((-70, 62)), 92)


def _bench(brush: Brush, x: float, y: float) -> None:
    for dx in (-14, 14):
        brush.line([(x + dx, y), (x + dx, y + 20)], (92, 84, 80), 2)
    for rise in (8, 14, 19):
        brush.line([(x - 18, y + rise), (x + 18, y + rise)], (168, 124, 84), 3)


def harbour(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw open water with a breakwater and lighthouse behind it, and a stone quay with bollards."""
    level(brush, 112, (64, 134, 176))
    ripples(brush, rng, (120, 180, 208), 112, 186)
    brush.polygon([(-4, 122), (-4, 138), (96, 134), (112, 122)], shade(STONE, 0.8), outlined=False)
    x = rng.between(40, 70)
    brush.polygon([(x - 9, 134), (x + 9, 134), (x + 6, 188), (x - 6, 188)], (244, 240, 236))
    brush.polygon([(x - 8, 150), (x + 8, 150), (x + 7, 166), (x - 7, 166)], (126, 130, 142), outlined=False)
    brush.box(x - 5, 188, x + 5, 197, (255, 240, 170))
    brush.dome(x, 197, 7, 7, (126, 130, 142))
    _crane(brush, rng.between(230, 262))
    brush.box(-2, -2, WIDTH + 2, 54, STONE, outlined=False)
    brush.box(-2, 50, WIDTH + 2, 56, shade(STONE, 0.78), outlined=False)
    for left in range(-20, WIDTH, 44):
        brush.line([(left, 26), (left + 44, 26)], shade(STONE, 0.88), 1)
        brush.line([(left + 10, 26), (left + 10, 50)], shade(STONE, 0.88), 1)
    for left in range(26, WIDTH, 86):
        brush.box(left, 50, left + 8, 60, (74, 76, 84), radius=2)


def _crane(brush: Brush, x: float) -> None:
    steel: RGB = (120, 128, 144)
    brush.box(x - 30, 118, x + 62, 128, shade(STONE, 0.8), outlined=False)
    brush.line([(x, 126), (x, 190)], steel, 4)
    brush.line([(x - 36, 186), (x + 24, 186)], steel, 4)
    brush.line([(x - 36, 186), (x, 202), (x + 24, 186)], steel, 1.6)
    brush.line([(x - 32, 186), (x - 32, 160)], steel, 1.2)


def farm(brush: Brush, rng: SeededRandom, snowy: bool) -> None:
    """Draw a barn, furrowed fields and a fence."""
    hill(brush, rng, 120, whitened((176, 196, 104), snowy), 8)
    for x in range(-40, WIDTH + 40, 20):
        brush.line([(x, 70), (150 + (x - 150) * 0.4, 116)], whitened((208, 184, 92), snowy), 3)
    _barn(brush, rng.pick((rng.between(50, 80), rng.between(240, 270))), snowy)
    brush.box(-2, -2, WIDTH + 2, 76, whitened((160, 194, 100), snowy), outlined=False)
    for y in (84, 94):
        brush.line([(-2, y), (WIDTH + 2, y)], (196, 170, 130), 2.5)
    for x in range(6, WIDTH, 34):
        brush.box(x - 2, 74, x + 2, 101, (196, 170, 130), outlined=False)
    tufts(brush, rng, whitened((122, 156, 78), snowy), 176, 14)


def _barn(brush: Brush, x: float, snowy: bool) -> None:
    wall: RGB = (150, 92, 78)
    roof = [(x - 46, 138), (x - 30, 160), (x, 172), (x + 30, 160), (x + 46, 138)]
    brush.polygon([(x - 40, 94), (x - 40, 140), *roof[1:4], (x + 40, 140), (x + 40, 94)], wall)
    brush.line(roof, SNOW if snowy else (108, 100, 100), 5)
    brush.box(x - 16, 94, x + 16, 124, shade(wall, 0.8))
    for points in ([(x - 16, 94), (x + 16, 124)], [(x + 16, 94), (x - 16, 124)]):
        brush.line(points, (240, 230, 216), 2)


def living_room(brush: Brush, rng: SeededRandom, _snowy: bool) -> None:
    """Draw a papered wall, a wooden floor with a rug, and two framed prints; the window is not drawn here."""
    wall = rng.pick(((236, 222, 196), (214, 226, 214), (230, 212, 214), (212, 220, 232)))
    level(brush, 0, wall)
    for x in range(8, WIDTH, 26):
        brush.line([(x, 76), (x, HEIGHT + 2)], shade(wall, 0.96), 3)
    brush.box(-2, -2, WIDTH + 2, 74, (196, 152, 108), outlined=False)
    for y in (18, 38, 56):
        brush.line([(-2, y), (WIDTH + 2, y)], (178, 134, 92), 1)
    brush.box(-2, 70, WIDTH + 2, 78, (246, 240, 230), outlined=False)
    for x in (114, 206):
        brush.box(x - 17, 158, x + 17, 200, (150, 116, 88))
        brush.box(x - 13, 162, x + 13, 196, (226, 236, 232), outlined=False)
        ridge = [(x - 13, 162), (x - 4, 182), (x + 2, 172), (x + 7, 178), (x + 13, 162)]
        brush.polygon(ridge, (150, 172, 160))
    brush.ellipse(160, 24, 118, 21, shade(wall, 0.86))
    brush.ellipse(160, 24, 100, 16, shade(wall, 0.92), outlined=False)
