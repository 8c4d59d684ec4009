"""Sky, weather and light of a scene: gradient, sun, moon, stars, clouds, rain and snow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from photoseek_export.demo.scenes.brush import RGB, SUPERSAMPLE, Brush, shade
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import HEIGHT, WIDTH, Scene

Light = tuple[float, float, float]
_REACH = 150  # pixels from the top over which the sky changes from zenith to horizon


@dataclass(frozen=True)
class Lighting:
    """Sky colors from top to horizon, and the light on land and objects; objects stay recognizable."""

    zenith: RGB
    horizon: RGB
    land: Light
    things: Light
    cloud: RGB


_CLEAR = {
    "day": Lighting((92, 176, 236), (206, 236, 250), (1, 1, 1), (1, 1, 1), (255, 255, 255)),
    "sunset": Lighting((112, 86, 168), (255, 178, 96), (0.96, 0.74, 0.66), (1, 0.92, 0.88), (255, 196, 170)),
    "night": Lighting((12, 18, 50), (46, 60, 112), (0.44, 0.44, 0.56), (0.88, 0.87, 0.94), (62, 70, 108)),
}
_GRAY = {
    "day": Lighting((148, 164, 180), (208, 216, 222), (0.86, 0.89, 0.92), (0.97, 0.97, 0.98), (232, 236, 240)),
    "sunset": Lighting((110, 84, 122), (240, 150, 100), (0.86, 0.66, 0.62), (1, 0.91, 0.87), (170, 120, 136)),
    "night": Lighting((22, 26, 44), (52, 58, 80), (0.39, 0.40, 0.48), (0.86, 0.86, 0.92), (72, 76, 98)),
}
_LAMPLIGHT: dict[str, Light] = {"day": (1, 1, 1), "sunset": (1, 0.84, 0.72), "night": (0.50, 0.44, 0.50)}


def lighting_of(scene: Scene) -> Lighting:
    """Return the light of a scene; indoors it depends only on the time of day."""
    light = (_CLEAR if scene.weather == "clear" else _GRAY)[scene.time]
    if scene.place != "living room":
        return light
    return replace(light, land=_LAMPLIGHT[scene.time])


def gradient(lighting: Lighting) -> Image.Image:
    """Return a canvas with the colors of the sky."""
    share = np.clip(np.arange(HEIGHT * SUPERSAMPLE) / (_REACH * SUPERSAMPLE), 0, 1)[:, None]
    rows = (1 - share) * np.array(lighting.zenith) + share * np.array(lighting.horizon)
    column = Image.fromarray(rows.round().astype(np.uint8)[:, None, :])
    return column.resize((WIDTH * SUPERSAMPLE, HEIGHT * SUPERSAMPLE), Image.Resampling.NEAREST)


def lights(brush: Brush, scene: Scene, rng: SeededRandom) -> None:
    """Draw the sun by day, low and large at sunset; the moon and stars at night."""
    x = rng.pick((rng.between(24, 90), rng.between(230, 296)))
    if scene.time == "night":
        _night_lights(brush, x, rng, stars=34 if scene.weather == "clear" else 0)
    elif scene.time == "sunset":
        brush.ellipse(x, HEIGHT - 92, 34, 34, (255, 198, 110), outlined=False)
        brush.ellipse(x, HEIGHT - 92, 25, 25, (255, 232, 150), outlined=False)
    elif scene.weather == "clear":
        brush.ellipse(x, HEIGHT - 34, 24, 24, (255, 244, 190), outlined=False)
        brush.ellipse(x, HEIGHT - 34, 18, 18, (255, 226, 96), outlined=False)


def _night_lights(brush: Brush, x: float, rng: SeededRandom, stars: int) -> None:
    for _ in range(stars):
        size = rng.between(0.7, 1.5)
        star_x, star_y = rng.between(0, WIDTH), HEIGHT - rng.between(2, 104)
        brush.ellipse(star_x, star_y, size, size, (255, 250, 220), outlined=False)
    brush.ellipse(x, HEIGHT - 32, 16, 16, (250, 244, 214), outlined=False)
    for dx, dy, radius in ((-5, 4, 3.4), (5, -3, 2.6), (3, 7, 2)):
        brush.ellipse(x + dx, HEIGHT - 32 + dy, radius, radius, (228, 220, 188), outlined=False)


def clouds(brush: Brush, scene: Scene, lighting: Lighting, rng: SeededRandom) -> None:
    """Draw one or two clouds in a clear sky by day, and many in cloudy or wet weather."""
    clear = 0 if scene.time == "night" else rng.pick((0, 1, 2))
    amount = clear if scene.weather == "clear" else 6
    for i in range(amount):
        across = WIDTH * (i + rng.between(0.2, 0.8)) / amount
        _cloud(brush, across, HEIGHT - rng.between(14, 62), rng.between(0.8, 1.25), lighting, rng)


def _cloud(brush: Brush, x: float, y: float, scale: float, lighting: Lighting, rng: SeededRandom) -> None:
    for dx, dy, radius in ((-26, -3, 12), (-10, 4, 17), (10, 3, 15), (26, -3, 11)):
        size = radius * scale * rng.between(0.9, 1.1)
        at_x, at_y = x + dx * scale, y + dy * scale
        brush.ellipse(at_x, at_y - 3, size, size * 0.72, shade(lighting.cloud, 0.93), outlined=False)
        brush.ellipse(at_x, at_y, size, size * 0.7, lighting.cloud, outlined=False)


def precipitation(brush: Brush, scene: Scene, rng: SeededRandom) -> None:
    """Draw streaks of rain or flakes of snow in front of everything."""
    if scene.weather == "rain":
        for _ in range(110):
            x, y = rng.between(0, WIDTH), rng.between(0, HEIGHT)
            brush.line([(x, y), (x - 3, y - 11)], (196, 216, 236), 1)
    if scene.weather == "snow":
        for _ in range(120):
            x, y, size = rng.between(0, WIDTH), rng.between(0, HEIGHT), rng.between(0.9, 2.3)
            brush.ellipse(x, y, size, size, (252, 253, 255), outlined=False)
