"""Parts that several places share: ground, hills, grass, waves, and the colors of the ground."""

from __future__ import annotations

import math

from photoseek_export.demo.scenes.brush import RGB, Brush, blend
from photoseek_export.demo.scenes.layout import HEIGHT, WIDTH
from photoseek_export.demo.scenes.random_source import SeededRandom

GRASS: RGB = (150, 205, 104)
SNOW: RGB = (240, 246, 252)


def level(brush: Brush, y: float, ink: RGB) -> None:
    """Draw ground below `y` pixels from the top."""
    brush.box(-2, -2, WIDTH + 2, HEIGHT - y, ink, outlined=False)


def hill(brush: Brush, rng: SeededRandom, y: float, ink: RGB, height: float = 12) -> None:
    """Draw ground below a rolling line around `y` pixels from the top."""
    phase, waves = rng.between(0, 6.3), rng.between(0.7, 1.5)
    xs = range(-4, WIDTH + 21, 16)
    top = [(x, HEIGHT - y + height * math.sin(phase + waves * x / 50)) for x in xs]
    brush.polygon([(-4, -4), *top, (WIDTH + 16, -4)], ink, outlined=False)


def whitened(ink: RGB, snowy: bool) -> RGB:
    """Return the color, covered with fresh snow if it snows."""
    return blend(ink, SNOW, 0.72) if snowy else ink


def tufts(brush: Brush, rng: SeededRandom, ink: RGB, top: float, amount: int) -> None:
    """Draw tufts of grass below `top` pixels from the top."""
    for _ in range(amount):
        x, y = rng.between(4, WIDTH - 4), HEIGHT - rng.between(top, HEIGHT - 4)
        brush.line([(x - 3, y + 4), (x, y), (x + 3, y + 4)], ink, 1)


def ripples(brush: Brush, rng: SeededRandom, ink: RGB, top: float, bottom: float) -> None:
    """Draw short waves between `top` and `bottom` pixels from the top."""
    for _ in range(16):
        x, y = rng.between(0, WIDTH), HEIGHT - rng.between(top + 4, bottom - 4)
        brush.line([(x, y), (x + rng.between(8, 24), y)], ink, 1)
