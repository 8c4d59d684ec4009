"""Which function draws which place, from the horizon down; the last argument says whether it is snowing."""

from __future__ import annotations

from collections.abc import Callable

from photoseek.demo import landscapes, settlements
from photoseek.demo.brush import Brush
from photoseek.demo.chance import Chance

Backdrop = Callable[[Brush, Chance, bool], None]

BACKDROPS: dict[str, Backdrop] = {
    "beach": landscapes.beach,
    "meadow": landscapes.meadow,
    "street": settlements.street,
    "mountain lake": landscapes.mountain_lake,
    "snowy field": landscapes.snowy_field,
    "park": settlements.park,
    "harbour": settlements.harbour,
    "desert": landscapes.desert,
    "farm": settlements.farm,
    "living room": settlements.living_room,
}
