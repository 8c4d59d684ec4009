"""What people type in Chinese when they look for a scene: short phrases that name only a part of it, each true."""

from __future__ import annotations

from photoseek_export.demo.scenes.chinese.phrases import kind_phrase, thing_phrase, unnumbered_phrase
from photoseek_export.demo.scenes.chinese.places import place_name, when, where, where_and_when
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_006
_LINKS = ("{}和{}", "{}与{}", "{}还有{}", "{}和{}")
_BESIDE = ("{}旁边的{}", "{}在{}旁边")


def queries(scene: Scene, seed: int) -> list[str]:
    """Four phrases, one of each kind: one group, its kind alone, two groups, the place."""
    chance = Chance(STREAM, seed)
    return [style(scene, chance) for style in (_one_group, _one_kind, _two_groups, _place)]


def _one_group(scene: Scene, chance: Chance) -> str:
    """夜里的红色汽车."""
    return _set(_group(chance.pick(scene.things), chance), scene, chance, 0.4)


def _one_kind(scene: Scene, chance: Chance) -> str:
    """客厅里的猫."""
    return _set(kind_phrase(chance.pick(scene.things), chance), scene, chance, 0.7)


def _two_groups(scene: Scene, chance: Chance) -> str:
    """公园里的汽车和棕色的狗."""
    first, second = chance.shuffled(scene.things)[:2]
    described = [
        _group(thing, chance) if chance.happens(0.6) else kind_phrase(thing, chance) for thing in (first, second)
    ]
    beside = "sky" not in (first.layer, second.layer) and len(scene.things) == 2
    link = chance.pick(_BESIDE if beside and chance.happens(0.3) else _LINKS)
    return _set(link.format(*described), scene, chance, 0.4)


def _place(scene: Scene, chance: Chance) -> str:
    """傍晚的沙滩."""
    return place_name(scene, chance, 1.0)


def _group(thing: Thing, chance: Chance) -> str:
    """With its number, or as people search: 黑色的猫."""
    return thing_phrase(thing, chance) if chance.happens(0.5) else unnumbered_phrase(thing, chance)


def _set(what: str, scene: Scene, chance: Chance, odds: float) -> str:
    """The place, the time, both or nothing, before what is there; now and then after it, as keywords."""
    placed, timed = chance.happens(odds), chance.happens(odds)
    if chance.happens(0.15):
        said = [word(scene, chance) for word, is_said in ((where, placed), (when, timed)) if is_said]
        return " ".join([what, *said])
    if placed:
        return f"{where_and_when(scene, chance, float(timed))}的{what}"
    return f"{when(scene, chance)}的{what}" if timed else what
