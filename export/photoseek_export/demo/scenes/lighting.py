"""Lighting of a scene: its sky, and the light on land and objects per color channel."""

from __future__ import annotations

from dataclasses import dataclass

from photoseek_export.demo.scenes.brush import RGB
from photoseek_export.demo.scenes.world import Scene

Light = tuple[float, float, float]


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
_LAMPLIGHT = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.84, 0.72),
    "night": (0.50, 0.44, 0.50),
}


def lighting_of(scene: Scene) -> Lighting:
    """Return the light of a scene; indoors it depends only on the time of day."""
    light = (_CLEAR if scene.weather == "clear" else _GRAY)[scene.time]
    if scene.place != "living room":
        return light
    return Lighting(light.zenith, light.horizon, _LAMPLIGHT[scene.time], light.things, light.cloud)
