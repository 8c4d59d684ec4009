"""Chinese phrases for groups of things, places and times, with words from ``chinese.toml``."""

from __future__ import annotations

from typing import NamedTuple

from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.wording import Choices, read_words, time_phrase
from photoseek_export.demo.scenes.world import Scene, Thing

WORDS = read_words("chinese")


class Noun(NamedTuple):
    """A name of a kind of thing.

    Attributes:
        name: The noun itself.
        measures: Measure words it is counted with, of one character each.
        short: Colors that it takes as one character right before it.
    """

    name: str
    measures: str
    short: str


NOUNS: dict[str, list[Noun]] = {kind: [Noun(*noun) for noun in nouns] for kind, nouns in WORDS["nouns"].items()}
DOING: Choices = WORDS["doing"]
WHERE: Choices = WORDS["where"]
PLACE_NAMES: Choices = WORDS["place_names"]
SHORT_COLORS: dict[str, str] = WORDS["short_colors"]
PEOPLE = ("child", "woman", "man")
_SIZE_ODDS = 0.5
_SHORT_ODDS = 0.4  # probability that a color is written as one character if possible


def thing_phrase(thing: Thing, rng: SeededRandom) -> str:
    """Return a group with its number: "两个红色的小气球"."""
    noun = _noun(thing, rng)
    return _amount(thing, noun, rng) + _described(thing, noun, rng)


def unnumbered_phrase(thing: Thing, rng: SeededRandom) -> str:
    """Return a group without its number, which Chinese may omit: "红色的小气球"."""
    return _described(thing, _noun(thing, rng), rng)


def kind_phrase(thing: Thing, rng: SeededRandom) -> str:
    """Return a group without its color: "两只猫", "猫"."""
    noun = _noun(thing, rng)
    return noun.name if rng.bernoulli(0.5) else _amount(thing, noun, rng) + noun.name


def _noun(thing: Thing, rng: SeededRandom) -> Noun:
    names = NOUNS[thing.kind]
    return names[0] if rng.bernoulli(0.6) else rng.pick(names)


def _amount(thing: Thing, noun: Noun, rng: SeededRandom) -> str:
    return str(WORDS["numbers"][str(thing.count)]) + rng.pick(noun.measures)


def _described(thing: Thing, noun: Noun, rng: SeededRandom) -> str:
    sized = rng.bernoulli(_SIZE_ODDS)
    if thing.kind in PEOPLE:
        size = rng.pick(WORDS["people_sizes"][thing.size]) if sized else ""
        return _worn(thing, rng) + size + noun.name
    size = WORDS["sizes"][thing.size] if sized else ""
    if thing.kind in WORDS["wear"]:
        return _worn(thing, rng) + size + noun.name
    return _colored(thing, noun, size, rng)


def _worn(thing: Thing, rng: SeededRandom) -> str:
    """Return the garment that carries the color: "穿着红色裙子的", "戴红帽子的"."""
    verb, garments = rng.pick(WORDS["wear"][thing.kind])
    garment = rng.pick(garments)
    short = len(garment) == 2 and _worn_short(thing.color, garment) and rng.bernoulli(_SHORT_ODDS)
    color = SHORT_COLORS[thing.color] if short else str(rng.pick(WORDS["colors"][thing.color]))
    return f"{verb}{rng.pick(('', '着', '着'))}{color}{garment}的"


def _worn_short(color: str, garment: str) -> bool:
    """Return whether 红帽子 is idiomatic: 橘 alone applies to fruit and cats, and 绿帽子 means a cheated husband."""
    return color != "orange" and (color, garment) != ("green", "帽子")


def _colored(thing: Thing, noun: Noun, size: str, rng: SeededRandom) -> str:
    short = SHORT_COLORS[thing.color]
    if short in noun.short and _takes_short(noun, size, short) and rng.bernoulli(_SHORT_ODDS):
        return size + short + noun.name
    color = str(rng.pick(WORDS["colors"][thing.color]))
    if size and len(noun.name) > 1 and rng.bernoulli(0.15):
        return f"{size}{size}的{color}{noun.name}"
    link = "的" if len(size + noun.name) == 1 else rng.pick(("的", "的", ""))
    return color + link + size + noun.name


def _takes_short(noun: Noun, size: str, short: str) -> bool:
    """Return whether size and color combine: 小红球 and 大白猫 are idiomatic, 小红汽车 and 大红球 are not."""
    return not size or (len(noun.name) == 1 and (size == "小" or short in "黑白"))


def where(scene: Scene, rng: SeededRandom) -> str:
    """Return where objects are: "沙滩上"."""
    return rng.pick(WHERE[scene.place])


def where_and_when(scene: Scene, rng: SeededRandom, odds: float) -> str:
    """Return where objects are and, with a probability, when: "夜里的沙滩上"."""
    return _timed(WHERE[scene.place], scene, rng, odds)


def place_name(scene: Scene, rng: SeededRandom, odds: float = 0.0) -> str:
    """Return the place of the image and, with a probability, the time: "雨中的港口"."""
    return _timed(PLACE_NAMES[scene.place], scene, rng, odds)


def _timed(places: list[str], scene: Scene, rng: SeededRandom, odds: float) -> str:
    """Return a place with its time, except for places that contain 的: a chain of 的 is clumsy."""
    if not rng.bernoulli(odds):
        return rng.pick(places)
    return f"{when(scene, rng)}的{rng.pick([place for place in places if '的' not in place])}"


def when(scene: Scene, rng: SeededRandom) -> str:
    """Return time of day and weather in one phrase: "下雨的夜晚"."""
    return time_phrase(WORDS, scene, rng)


def aloft(scene: Scene, rng: SeededRandom) -> str:
    """Return where objects fly: a room has no sky."""
    return str(rng.pick(WORDS["aloft_indoors" if scene.place == "living room" else "aloft"]))
