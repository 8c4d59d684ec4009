"""The vocabulary of scenes: places, times of day, weather, and kinds of objects.

A `Scene` describes the content of an image, independent of pixels and words; `compose` creates scenes, `render` draws
them and `captions` describes them. Lengths are pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Position = Literal["left", "middle", "right"]
Size = Literal["small", "medium", "big"]
Layer = Literal["sky", "water", "back", "ground", "front"]

WORLD = 1
"""Version of images and texts of scenes; part of the names of folders of scenes."""

WIDTH, HEIGHT = 320, 240
COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
COUNTS = (1, 2, 3, 4)
POSITIONS: tuple[Position, ...] = ("left", "middle", "right")
SIZE_FACTORS: dict[Size, float] = {"small": 0.86, "medium": 1.1, "big": 1.36}


@dataclass(frozen=True)
class Thing:
    """A group of `count` equal objects, side by side.

    `layer` is their position: in the sky, on water, on the ground, or at the back or the front of a place, where those
    in front are low enough not to hide those at the back.
    """

    kind: str
    color: str
    count: int
    size: Size
    position: Position
    layer: Layer


@dataclass(frozen=True)
class Scene:
    """The content of an image, independent of pixels."""

    place: str
    time: str
    weather: str
    things: tuple[Thing, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of object: its size at scale 1, its colors, its maximum count, and where it occurs."""

    width: int
    height: int
    colors: tuple[str, ...]
    most: int
    places: tuple[str, ...]
    layer: Literal["sky", "water", "ground"] = "ground"


@dataclass(frozen=True)
class Place:
    """A place and its possible weather."""

    weathers: tuple[str, ...]
    indoors: bool = False


TIMES = ("day", "sunset", "night")
DRY, RAINY, ANY = ("clear", "cloudy"), ("clear", "cloudy", "rain"), ("clear", "cloudy", "rain", "snow")

PLACES: dict[str, Place] = {
    "beach": Place(RAINY),
    "meadow": Place(RAINY),
    "street": Place(ANY),
    "mountain lake": Place(RAINY),
    "snowy field": Place(("clear", "cloudy", "snow")),
    "park": Place(ANY),
    "harbour": Place(RAINY),
    "desert": Place(DRY),
    "farm": Place(ANY),
    "living room": Place(("clear",), indoors=True),
}

_BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
_PAINTED = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white")
_LEAVES = ("green", "green", "orange", "yellow", "red", "pink")
_FUR = ("brown", "black", "white", "orange")
_OUTDOORS = tuple(name for name, place in PLACES.items() if not place.indoors)
_GRASSY = ("meadow", "park", "farm")
_GREEN = ("meadow", "park", "farm", "mountain lake")
_ROADS = ("street", "farm", "desert", "snowy field", "harbour", "meadow")
_LAND = ("meadow", "street", "mountain lake", "snowy field", "park", "farm")

KINDS: dict[str, Kind] = {
    "car": Kind(88, 46, _PAINTED, 2, (*_ROADS, "beach")),
    "bus": Kind(106, 58, _BRIGHT, 1, ("street", "desert", "harbour", "snowy field")),
    "train": Kind(142, 62, ("red", "green", "blue", "black", "yellow"), 1, ("meadow", "snowy field", "desert", "farm")),
    "bicycle": Kind(84, 58, _BRIGHT, 2, ("street", "park", "meadow", "beach", "harbour", "mountain lake", "farm")),
    "house": Kind(88, 92, ("red", "yellow", "green", "blue", "pink", "white", "orange"), 2, (*_LAND, "beach")),
    "tent": Kind(86, 62, _BRIGHT, 2, ("beach", "meadow", "mountain lake", "snowy field", "desert", "park")),
    "tree": Kind(64, 98, _LEAVES, 3, (*_LAND, "street")),
    "flower": Kind(34, 60, ("red", "orange", "yellow", "blue", "purple", "pink", "white"), 4, _GREEN),
    "dog": Kind(58, 48, _FUR, 4, (*_OUTDOORS, "living room")),
    "cat": Kind(42, 50, _FUR, 4, ("street", "park", "harbour", "farm", "meadow", "beach", "living room")),
    "sheep": Kind(58, 46, ("white", "black", "brown"), 4, ("meadow", "farm", "mountain lake", "snowy field")),
    "horse": Kind(78, 74, ("brown", "black", "white"), 2, ("meadow", "farm", "beach", "desert", "snowy field")),
    "ball": Kind(36, 36, _BRIGHT, 4, ("beach", "meadow", "street", "park", "desert", "snowy field", "living room")),
    "umbrella": Kind(72, 72, (*_BRIGHT, "white"), 2, ("beach", "park", "street", "harbour", "mountain lake", "desert")),
    "child": Kind(38, 66, _BRIGHT, 3, (*_OUTDOORS, "living room")),
    "woman": Kind(42, 84, (*_BRIGHT, "black", "white"), 2, (*_OUTDOORS, "living room")),
    "man": Kind(42, 88, (*_BRIGHT, "black", "white"), 2, (*_OUTDOORS, "living room")),
    "snowman": Kind(52, 78, ("red", "orange", "green", "blue", "purple", "pink"), 2, ("snowy field",)),
    "sofa": Kind(116, 62, (*_BRIGHT, "brown", "white"), 1, ("living room",)),
    "lamp": Kind(46, 98, (*_BRIGHT, "white"), 2, ("living room",)),
    "boat": Kind(80, 74, _PAINTED, 3, ("beach", "mountain lake", "harbour"), "water"),
    "duck": Kind(46, 38, ("yellow", "white", "brown"), 4, ("mountain lake", "harbour"), "water"),
    "bird": Kind(54, 40, ("red", "yellow", "blue", "black", "white"), 4, _OUTDOORS, "sky"),
    "plane": Kind(92, 46, ("red", "orange", "yellow", "green", "blue", "white"), 2, _OUTDOORS, "sky"),
    "balloon": Kind(36, 62, _BRIGHT, 4, (*_OUTDOORS, "living room"), "sky"),
    "kite": Kind(48, 76, _BRIGHT, 3, ("beach", "meadow", "park", "farm", "desert", "snowy field"), "sky"),
}


def kind_names(layer: str, place: str) -> tuple[str, ...]:
    """Return the kinds in `layer` of `place` in a fixed order; those of a single place appear three times."""
    found = [name for name, kind in KINDS.items() if kind.layer == layer and place in kind.places]
    return tuple(name for name in found for _ in range(3 if len(KINDS[name].places) == 1 else 1))
