"""Chinese search queries for a scene: short phrases that name a part of it, each true of the image."""

from __future__ import annotations

from photoseek_export.demo.scenes.chinese.phrases import kind_phrase, thing_phrase, unnumbered_phrase
from photoseek_export.demo.scenes.chinese.places import place_name, when, where, where_and_when
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_006
_LINKS = ("{}和{}", "{}与{}", "{}还有{}", "{}和{}")
_BESIDE = ("{}旁边的{}", "{}在{}旁边")


def queries(scene: Scene, seed: int) -> list[str]:
    """Return four phrases, one of each type: one group, its kind alone, two groups, the place."""
    rng = SeededRandom(STREAM, seed)
    return [style(scene, rng) for style in (_one_group, _one_kind, _two_groups, _place)]


def _one_group(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 夜里的红色汽车."""
    return _set(_group(rng.pick(scene.things), rng), scene, rng, 0.4)


def _one_kind(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 客厅里的猫."""
    return _set(kind_phrase(rng.pick(scene.things), rng), scene, rng, 0.7)


def _two_groups(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 公园里的汽车和棕色的狗."""
    first, second = rng.shuffled(scene.things)[:2]
    described = [_group(thing, rng) if rng.bernoulli(0.6) else kind_phrase(thing, rng) for thing in (first, second)]
    beside = "sky" not in (first.layer, second.layer) and len(scene.things) == 2
    link = rng.pick(_BESIDE if beside and rng.bernoulli(0.3) else _LINKS)
    return _set(link.format(*described), scene, rng, 0.4)


def _place(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 傍晚的沙滩."""
    return place_name(scene, rng, 1.0)


def _group(thing: Thing, rng: SeededRandom) -> str:
    """Return a group with its number, or without as in typical queries: 黑色的猫."""
    return thing_phrase(thing, rng) if rng.bernoulli(0.5) else unnumbered_phrase(thing, rng)


def _set(what: str, scene: Scene, rng: SeededRandom, odds: float) -> str:
    """Return a phrase with the place, the time, both or nothing before it, or sometimes after it as keywords."""
    placed, timed = rng.bernoulli(odds), rng.bernoulli(odds)
    if rng.bernoulli(0.15):
        said = [word(scene, rng) for word, is_said in ((where, placed), (when, timed)) if is_said]
        return " ".join([what, *said])
    if placed:
        return f"{where_and_when(scene, rng, float(timed))}的{what}"
    return f"{when(scene, rng)}的{what}" if timed else what
