"""Shapes of people and animals."""

from __future__ import annotations

from photoseek_export.demo.scenes.brush import LIGHT, RGB, Brush, blend, shade
from photoseek_export.demo.scenes.random_source import SeededRandom

SKINS: tuple[RGB, ...] = ((250, 214, 182), (232, 184, 142), (188, 130, 92), (132, 88, 62))
HAIRS: tuple[RGB, ...] = ((70, 48, 38), (40, 36, 38), (150, 96, 52), (222, 180, 100))
DARK: RGB = (44, 40, 44)
BEAK: RGB = (246, 160, 44)
BLUSH: RGB = (244, 160, 160)
WOOL = ((-17, 22, 11), (16, 22, 11), (-9, 31, 11), (9, 32, 11), (0, 17, 12), (-10, 16, 9), (10, 16, 9))
TROUSERS: tuple[RGB, ...] = ((74, 82, 106), (96, 88, 84))


def _face(brush: Brush, y: float, radius: float, skin: RGB) -> None:
    brush.ellipse(0, y, radius, radius, skin)
    for x in (-0.38, 0.38):
        brush.ellipse(x * radius, y + 0.05 * radius, 1.5, 1.9, DARK, outlined=False)
    smile, low = 0.3 * radius, y - 0.4 * radius
    brush.line([(-smile, low), (0, y - 0.52 * radius), (smile, low)], DARK, 1)


def child(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a large head, a cap and a wide shirt in the child's color, one arm up."""
    skin, hair, trousers = rng.pick(SKINS), rng.pick(HAIRS), rng.pick(TROUSERS)
    for x in (-6, 6):
        brush.line([(x, 18), (x, 3)], trousers, 8)
    brush.line([(11, 32), (19, rng.between(40, 48))], skin, 6)
    brush.line([(-11, 32), (-18, 22)], skin, 6)
    brush.polygon([(-10, 38), (10, 38), (14, 14), (-14, 14)], ink)
    brush.ellipse(0, 51, 14.5, 14, hair)
    _face(brush, 49, 12.5, skin)
    brush.dome(0, 53, 14, 13, ink)
    brush.line([(2, 53), (19, 53)], ink, 4)


def woman(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw long hair and a long dress."""
    skin, hair = rng.pick(SKINS), rng.pick(HAIRS)
    brush.box(-13, 46, 13, 80, hair, radius=11)
    for x in (-5, 5):
        brush.line([(x, 14), (x, 2)], skin, 5)
    for side in (-1, 1):
        brush.line([(side * 9, 50), (side * rng.between(16, 20), 34)], skin, 5)
    brush.polygon([(-9, 55), (9, 55), (8, 38), (21, 10), (-21, 10), (-8, 38)], ink)
    _face(brush, 67, 11, skin)
    brush.dome(0, 70, 12, 11, hair)


def man(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a jacket, long trousers, and a beard under short hair."""
    skin, hair, trousers = rng.pick(SKINS), rng.pick(HAIRS), rng.pick(TROUSERS)
    for x in (-7, 7):
        brush.line([(x, 32), (x, 3)], trousers, 11)
    for side in (-1, 1):
        brush.line([(side * 14, 54), (side * 18, 34)], ink, 8)
        brush.ellipse(side * 18, 31, 4, 4, skin, outlined=False)
    brush.box(-15, 27, 15, 61, ink, radius=6)
    brush.ellipse(0, 71, 11.5, 12, hair)
    brush.ellipse(0, 74, 10, 8.5, skin, outlined=False)
    for x in (-4, 4):
        brush.ellipse(x, 74, 1.5, 1.9, DARK, outlined=False)
    brush.dome(0, 77, 12, 10, hair)


def snowman(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw three balls of snow, with hat and scarf in its color."""
    snow: RGB = (250, 252, 255)
    brush.line([(-16, 34), (-30, rng.between(38, 48))], (110, 76, 50), 3)
    brush.line([(16, 34), (30, rng.between(38, 48))], (110, 76, 50), 3)
    brush.ellipse(0, 17, 23, 18, snow)
    brush.ellipse(0, 37, 17, 15, snow)
    brush.ellipse(0, 57, 13, 12, snow)
    for x in (-5, 5):
        brush.ellipse(x, 59, 2, 2, DARK, outlined=False)
    brush.polygon([(0, 57), (0, 53), (15, 54)], BEAK, outlined=False)
    brush.box(-15, 44, 15, 51, ink, radius=3)
    brush.box(4, 28, 12, 46, ink, radius=2)
    brush.box(-10, 66, 10, 82, ink, radius=2)
    brush.box(-17, 64, 17, 69, ink, radius=2)


def _legs(brush: Brush, ink: RGB, xs: tuple[float, ...], height: float, width: float) -> None:
    for x in xs:
        brush.box(x - width / 2, 0, x + width / 2, height, ink, radius=2)


def _eye(brush: Brush, x: float, y: float, rx: float, ry: float, ink: RGB) -> None:
    brush.ellipse(x, y, rx, ry, DARK if sum(ink) > LIGHT else (240, 240, 240), outlined=False)


def dog(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a standing dog with a long snout, a hanging ear and a raised tail."""
    dark = blend(ink, DARK, 0.45) if sum(ink) > LIGHT else blend(ink, (255, 255, 255), 0.25)
    brush.line([(-22, 26), (-30, rng.between(38, 46))], ink, 6)
    _legs(brush, ink, (-19, -12, 8, 15), 18, 7)
    brush.box(-25, 13, 19, 31, ink, radius=9)
    brush.box(10, 27, 26, 46, ink, radius=7)
    brush.box(16, 28, 35, 38, ink, radius=5)
    brush.ellipse(34, 36, 3, 3, DARK, outlined=False)
    _eye(brush, 22, 40, 2, 2.2, ink)
    brush.ellipse(11, 36, 4.5, 9, dark)
    brush.line([(10, 27), (23, 26)], (214, 60, 60) if sum(ink) < 600 else (60, 110, 200), 3)


def cat(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a sitting cat that faces the viewer: pointed ears, whiskers, a curled tail."""
    line = (90, 86, 90) if sum(ink) > LIGHT else (226, 226, 226)
    brush.line([(11, 5), (22, 7), (24, 18), (rng.between(18, 22), 24)], ink, 5.5)
    brush.ellipse(0, 15, 15, 17, ink)
    for side in (-1, 1):
        brush.polygon([(side * 14, 38), (side * 13, 55), (side * 3, 47)], ink)
        brush.ellipse(side * 6, 3, 5, 4, ink)
    brush.ellipse(0, 37, 15, 12.5, ink)
    for side in (-1, 1):
        brush.ellipse(side * 6, 39, 3, 3.6, (178, 222, 96), outlined=False)
        brush.ellipse(side * 6, 39, 1.3, 3.2, DARK, outlined=False)
        brush.line([(side * 5, 33), (side * 18, 35)], line, 1)
        brush.line([(side * 5, 32), (side * 18, 30)], line, 1)
    brush.polygon([(-2.5, 35), (2.5, 35), (0, 32)], BLUSH, outlined=False)


def sheep(brush: Brush, ink: RGB, _rng: SeededRandom) -> None:
    """Draw a woolly cloud on thin legs, with a face of another shade."""
    face = (70, 62, 62) if sum(ink) > LIGHT else (176, 164, 156)
    _legs(brush, face, (-14, -7, 7, 14), 14, 4.5)
    for x, y, radius in WOOL:
        brush.ellipse(x, y, radius, radius, ink)
    brush.ellipse(0, 24, 19, 12, ink, outlined=False)
    brush.ellipse(25, 31, 8, 10, face)
    brush.ellipse(16, 35, 6, 3, face)
    brush.ellipse(24, 41, 7, 5, ink)
    brush.ellipse(28, 33, 1.8, 1.8, (250, 250, 250), outlined=False)


def horse(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw long legs, an arched neck, mane and tail of another shade."""
    mane = shade(ink, 0.45) if sum(ink) > LIGHT else (120, 112, 116)
    brush.line([(-27, 44), (-38, 36), (-38, rng.between(14, 22))], mane, 7)
    _legs(brush, ink, (-22, -14, 12, 20), 30, 6.5)
    brush.box(-29, 25, 25, 48, ink, radius=11)
    brush.polygon([(8, 44), (18, 70), (32, 66), (25, 36)], ink)
    brush.polygon([(16, 74), (26, 73), (43, 56), (36, 49), (20, 60)], ink)
    brush.polygon([(17, 72), (19, 80), (24, 73)], ink)
    brush.line([(16, 72), (10, 58), (4, 47)], mane, 6)
    _eye(brush, 26, 66, 2, 2.2, ink)


def duck(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a swimming duck with a raised tail and an orange bill."""
    brush.polygon([(-10, 16), (-25, rng.between(20, 25)), (-20, 6)], ink)
    brush.ellipse(-2, 10, 21, 11, ink)
    brush.ellipse(12, 27, 11, 10.5, ink)
    brush.ellipse(-5, 12, 11, 6, shade(ink, 0.86))
    brush.polygon([(20, 29), (20, 22), (32, 23)], BEAK)
    brush.ellipse(14, 30, 2, 2.3, DARK, outlined=False)
    brush.line([(-27, 0), (-12, 1.5), (2, 0), (16, 1.5), (28, 0)], (214, 236, 246), 2.2)


def bird(brush: Brush, ink: RGB, rng: SeededRandom) -> None:
    """Draw a flying bird with both wings raised."""
    tip = rng.between(36, 41)
    brush.polygon([(-2, 18), (-22, tip), (-14, 16)], shade(ink, 0.75))
    brush.polygon([(-12, 16), (-30, 18), (-29, 10), (-12, 9)], ink)
    brush.ellipse(0, 13, 19, 9, ink)
    brush.ellipse(17, 18, 8.5, 8, ink)
    brush.polygon([(24, 20), (24, 15), (32, 17)], BEAK, outlined=False)
    _eye(brush, 19, 20, 1.8, 1.9, ink)
    brush.polygon([(8, 16), (-4, tip + 2), (-10, 14)], ink)
