"""Rendering of a scene: sky, place, objects from back to front, then precipitation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PIL import Image, ImageDraw

from photoseek_export.demo.scenes import creatures, objects, places, sky
from photoseek_export.demo.scenes.brush import INKS, RGB, SUPERSAMPLE, Brush, rgb
from photoseek_export.demo.scenes.compose import spots
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.sky import Lighting, lighting_of
from photoseek_export.demo.scenes.world import Layer, Scene, Thing

STREAM = 7_002
Shape = Callable[[Brush, RGB, SeededRandom], None]
Backdrop = Callable[[Brush, SeededRandom, bool], None]  # draws below the horizon; the flag means snow

_ORDER: tuple[Layer, ...] = ("water", "back", "sky", "ground", "front")
_WATERLINES = {"beach": 166.0}
_MODULES = (places, objects, creatures)  # each has a function per place or kind of object


def render(scene: Scene, seed: int) -> Image.Image:
    """Return the RGB image of a scene; the seed varies shades, shapes, clouds and small offsets."""
    rng, lighting = SeededRandom(STREAM, seed), lighting_of(scene)
    canvas = sky.gradient(lighting)
    brush = Brush(ImageDraw.Draw(canvas))
    _draw_place(brush, scene, lighting, rng)
    for thing in sorted(scene.things, key=lambda thing: _ORDER.index(thing.layer)):
        _draw_thing(replace(brush, light=lighting.things), thing, scene, rng)
    sky.precipitation(brush, scene, rng)
    return canvas.reduce(SUPERSAMPLE)


def _draw_place(brush: Brush, scene: Scene, lighting: Lighting, rng: SeededRandom) -> None:
    lit = replace(brush, light=lighting.land)
    snowy = scene.weather == "snow"
    backdrop: Backdrop = _named(scene.place)
    if scene.place == "living room":
        backdrop(lit, rng, snowy)
        _draw_window(brush, lit, scene, lighting, rng)
        return
    sky.lights(brush, scene, rng)
    sky.clouds(brush, scene, lighting, rng)
    backdrop(lit, rng, snowy)


def _draw_window(brush: Brush, lit: Brush, scene: Scene, lighting: Lighting, rng: SeededRandom) -> None:
    x, frame = rng.pick((52.0, 268.0)), (246, 240, 230)
    lit.box(x - 38, 136, x + 38, 222, frame, radius=2)
    brush.box(x - 33, 141, x + 33, 217, lighting.zenith, outlined=False)
    brush.box(x - 33, 141, x + 33, 172, lighting.horizon, outlined=False)
    light = {"day": (255, 226, 96), "sunset": (255, 236, 160), "night": (250, 244, 214)}[scene.time]
    brush.ellipse(x + 14, 168 if scene.time == "sunset" else 200, 9, 9, light, outlined=False)
    lit.box(x - 2, 140, x + 2, 218, frame, outlined=False)
    lit.box(x - 34, 177, x + 34, 181, frame, outlined=False)
    lit.box(x - 44, 130, x + 44, 138, frame, radius=2)
    for side in (-1, 1):
        inner, outer = x + side * 26, x + side * 46
        curtain = [(inner, 224), (outer, 224), (outer, 126), (inner + side * 6, 126), (inner + side * 12, 172)]
        lit.polygon(curtain, (206, 196, 186))
    lit.line([(x - 50, 225), (x + 50, 225)], (124, 96, 72), 3)


def _draw_thing(brush: Brush, thing: Thing, scene: Scene, rng: SeededRandom) -> None:
    ink = _varied(INKS[thing.color], rng)
    baseline = _WATERLINES.get(scene.place) if thing.layer == "water" else None
    shape: Shape = _named(thing.kind)
    for spot in spots(thing, scene.things, baseline, rng):
        at = replace(brush, x=spot.x, y=spot.y, scale=spot.scale, mirrored=spot.mirrored)
        shape(at, ink, rng)


def _named(what: str) -> Any:
    """Return the function that draws a place or a kind of object."""
    name = what.replace(" ", "_")
    return next(getattr(module, name) for module in _MODULES if hasattr(module, name))


def _varied(ink: RGB, rng: SeededRandom) -> RGB:
    """Return the color slightly lighter or darker, for one group of objects."""
    change = rng.between(-9, 9)
    return rgb(*(channel + change for channel in ink))
