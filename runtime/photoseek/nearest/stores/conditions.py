"""A filter as comparisons of the fields that a store keeps beside each vector: all of them have to hold.

They say what :mod:`photoseek.selection` says in the SQL of the gallery. Texts compare by code points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from photoseek.filters import TYPES, Filter, Orientation
from photoseek.names import as_asked

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">="]

_MOST_PIXELS = 2**62  # more than any photo, and a number of 64 bits
_BEYOND = "~"  # after every character of a date
_TYPE_OF = {ending: name for name, endings in TYPES.items() for ending in endings}


@dataclass(frozen=True)
class Condition:
    """A comparison: ``field operator value``."""

    field: Literal["path", "taken", "pixels", "orientation", "type"]
    operator: Operator
    value: str | int


def conditions_of(where: Filter | None) -> list[Condition]:
    """What a photo must meet; empty: any photo does."""
    if where is None:
        return []
    found: list[Condition] = []
    if folder := as_asked(where.folder or "").strip("/"):
        found += [Condition("path", ">=", f"{folder}/"), Condition("path", "<", f"{folder}0")]  # 0 follows /
    if where.taken_from is not None:
        found.append(Condition("taken", ">=", where.taken_from))
    if where.taken_to is not None:
        found += [Condition("taken", "!=", ""), Condition("taken", "<", f"{where.taken_to}{_BEYOND}")]
    if where.min_megapixels is not None:
        found.append(Condition("pixels", ">=", math.ceil(_pixels(where.min_megapixels))))
    if where.max_megapixels is not None:
        found.append(Condition("pixels", "<=", math.floor(_pixels(where.max_megapixels))))
    if where.orientation is not None:
        found.append(Condition("orientation", "=", where.orientation))
    if where.type is not None:
        found.append(Condition("type", "=", where.type))
    return found


def orientation_of(width: int, height: int) -> Orientation:
    """How a photo lies."""
    return "landscape" if width > height else "portrait" if width < height else "square"


def type_of(path: str) -> str:
    """The file type that the ending of a name tells, one of ``TYPES``; empty where it tells none."""
    _, dot, ending = path.rpartition(".")
    return _TYPE_OF.get(ending.lower(), "") if dot else ""


def _pixels(megapixels: float) -> float:
    return min(float(megapixels) * 1e6, float(_MOST_PIXELS))
