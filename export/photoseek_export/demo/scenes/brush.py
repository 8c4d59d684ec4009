"""A brush on top of Pillow: outlined and lit shapes in the coordinates of an object.

Images are drawn at twice their size and reduced for antialiasing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

RGB = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

SUPERSAMPLE = 2
LINE = 3  # width of an outline, in pixels before reduction
LIGHT = 220  # inks with a smaller sum of channels get a lighter outline
INKS: dict[str, RGB] = {
    "red": (222, 48, 44),
    "orange": (247, 140, 30),
    "yellow": (252, 216, 48),
    "green": (46, 148, 70),
    "blue": (46, 104, 216),
    "purple": (138, 72, 184),
    "pink": (247, 140, 184),
    "brown": (142, 90, 54),
    "black": (46, 46, 54),
    "white": (248, 248, 244),
}


def shade(ink: RGB, factor: float) -> RGB:
    """Return the color darker (factor below 1) or lighter (above 1)."""
    return rgb(*(channel * factor for channel in ink))


def blend(ink: RGB, other: RGB, share: float) -> RGB:
    """Return the first color mixed with `share` of the other."""
    return rgb(*(a + (b - a) * share for a, b in zip(ink, other, strict=True)))


def rgb(red: float, green: float, blue: float) -> RGB:
    """Return a color with its channels rounded, and limited to 0 to 255."""
    return (min(255, max(0, round(red))), min(255, max(0, round(green))), min(255, max(0, round(blue))))


@dataclass(frozen=True)
class Brush:
    """A brush with its origin at (x, y) of the image, y axis upwards; scales lengths by `scale` and inks by `light`."""

    canvas: ImageDraw.ImageDraw
    x: float = 0.0
    y: float = 240.0
    scale: float = 1.0
    mirrored: bool = False
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def polygon(self, points: Points, ink: RGB, *, outlined: bool = True) -> None:
        """Draw a filled polygon."""
        at = [self._at(*point) for point in points]
        self.canvas.polygon(at, fill=self._lit(ink))
        if outlined:
            self.canvas.line([*at, at[0], at[1]], fill=self._edge(ink), width=LINE, joint="curve")

    def ellipse(self, x: float, y: float, rx: float, ry: float, ink: RGB, *, outlined: bool = True) -> None:
        """Draw a filled ellipse around (x, y)."""
        box = self._box(x - rx, y - ry, x + rx, y + ry)
        self.canvas.ellipse(box, self._lit(ink), self._edge(ink) if outlined else None, LINE if outlined else 0)

    def ring(self, x: float, y: float, radius: float, ink: RGB, width: float) -> None:
        """Draw a circle without filling."""
        box = self._box(x - radius, y - radius, x + radius, y + radius)
        self.canvas.ellipse(box, None, self._lit(ink), self._width(width))

    def box(
        self,
        left: float,
        low: float,
        right: float,
        high: float,
        ink: RGB,
        *,
        radius: float = 0,
        outlined: bool = True,
    ) -> None:
        """Draw a filled rectangle with corners of the given radius."""
        outline = self._edge(ink) if outlined else None
        corner = radius * self.scale * SUPERSAMPLE
        box = self._box(left, low, right, high)
        self.canvas.rounded_rectangle(box, corner, self._lit(ink), outline, LINE if outlined else 0)

    def line(self, points: Points, ink: RGB, width: float) -> None:
        """Draw a line through the points, with round joints and ends."""
        at = [self._at(*point) for point in points]
        thick = self._width(width)
        self.canvas.line(at, fill=self._lit(ink), width=thick, joint="curve")
        if thick > 4:
            for x, y in (at[0], at[-1]):
                self.canvas.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), self._lit(ink))

    def dome(self, x: float, y: float, rx: float, ry: float, ink: RGB) -> None:
        """Draw the upper half of an ellipse around (x, y)."""
        turns = [math.pi * i / 14 for i in range(15)]
        self.polygon([(x + rx * math.cos(turn), y + ry * math.sin(turn)) for turn in turns], ink)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        across = -x if self.mirrored else x
        return ((self.x + across * self.scale) * SUPERSAMPLE, (self.y - y * self.scale) * SUPERSAMPLE)

    def _box(self, left: float, low: float, right: float, high: float) -> tuple[float, float, float, float]:
        (x0, y1), (x1, y0) = self._at(left, low), self._at(right, high)
        return (min(x0, x1), y0, max(x0, x1), y1)

    def _width(self, width: float) -> int:
        return max(2, round(width * self.scale * SUPERSAMPLE))

    def _lit(self, ink: RGB) -> RGB:
        return rgb(*(channel * light for channel, light in zip(ink, self.light, strict=True)))

    def _edge(self, ink: RGB) -> RGB:
        return self._lit(shade(ink, 0.62) if sum(ink) > LIGHT else blend(ink, (255, 255, 255), 0.42))
