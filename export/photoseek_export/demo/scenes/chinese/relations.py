"""Chinese clauses for the relation of two groups, each true of the image."""

from __future__ import annotations

from photoseek_export.demo.scenes.captions import adjacent, side
from photoseek_export.demo.scenes.chinese.nouns import DOING, WORDS
from photoseek_export.demo.scenes.chinese.phrases import thing_phrase
from photoseek_export.demo.scenes.chinese.places import aloft
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene, Thing


def relation(scene: Scene, first: Thing, second: Thing, rng: SeededRandom) -> str:
    """Return both groups, joined by a relation that is true of the image."""
    if "sky" in (first.layer, second.layer):
        return _raised(scene, first, second, rng)
    if {first.layer, second.layer} == {"front", "back"}:
        return _located(first, second, rng.pick(WORDS["front" if first.layer == "front" else "behind"]), rng)
    if rng.bernoulli(0.4) or not adjacent(scene, first, second):
        return _located(first, second, rng.pick(WORDS["sides"][side(first, second)]), rng)
    return _near(first, second, rng)


def _located(thing: Thing, other: Thing, where: str, rng: SeededRandom) -> str:
    """Return that `thing` is at a side of the other: "A在B左边", "B的左边是A", "B左边停着A"."""
    a, b = thing_phrase(thing, rng), thing_phrase(other, rng)
    verb, link = rng.pick(DOING[thing.kind]), rng.pick(("", "的"))
    there = f"{b}{link}{where}{rng.pick(('有', '是'))}{a}"
    return rng.pick((f"{a}在{b}{link}{where}", f"{a}{verb}在{b}{where}", there, f"{b}{where}{verb}着{a}"))


def _near(first: Thing, second: Thing, rng: SeededRandom) -> str:
    if rng.bernoulli(0.7):
        return _located(first, second, rng.pick(WORDS["near"]), rng)
    a, b = thing_phrase(first, rng), thing_phrase(second, rng)
    return rng.pick((f"{a}紧挨着{b}", f"{a}靠近{b}", f"{a}和{b}挨在一起", f"{a}和旁边的{b}"))


def _raised(scene: Scene, first: Thing, second: Thing, rng: SeededRandom) -> str:
    """Return one group as above the other if they share a position, else as high up."""
    flying, standing = (first, second) if first.layer == "sky" else (second, first)
    if first.position == second.position:
        if first is flying:
            return _located(flying, standing, rng.pick(WORDS["above"]), rng)
        return f"{thing_phrase(standing, rng)}在{thing_phrase(flying, rng)}{rng.pick(WORDS['below'])}"
    a, b = thing_phrase(standing, rng), thing_phrase(flying, rng)
    sky, verb = aloft(scene, rng), rng.pick(DOING[flying.kind])
    return rng.pick((f"{a}和{sky}的{b}", f"{a}，{sky}{verb}着{b}", f"{sky}{verb}着{b}，还有{a}"))
