"""Chinese noun phrases for groups of things: number, measure word, colour, size and noun."""

from __future__ import annotations

from photoseek_export.demo.scenes.chinese.nouns import NOUNS, PEOPLE, SHORT_COLORS, WORDS, Noun
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import Thing

_SIZE_ODDS = 0.5
_SHORT_ODDS = 0.4  # how often a colour that may be said in one character is


def thing_phrase(thing: Thing, chance: Chance) -> str:
    """A group with its number: "两个红色的小气球"."""
    noun = _noun(thing, chance)
    return _amount(thing, noun, chance) + _described(thing, noun, chance)


def unnumbered_phrase(thing: Thing, chance: Chance) -> str:
    """A group without its number, which Chinese leaves open: "红色的小气球"."""
    return _described(thing, _noun(thing, chance), chance)


def kind_phrase(thing: Thing, chance: Chance) -> str:
    """A group without its colour: "两只猫", "猫"."""
    noun = _noun(thing, chance)
    return noun.name if chance.happens(0.5) else _amount(thing, noun, chance) + noun.name


def _noun(thing: Thing, chance: Chance) -> Noun:
    names = NOUNS[thing.kind]
    return names[0] if chance.happens(0.6) else chance.pick(names)


def _amount(thing: Thing, noun: Noun, chance: Chance) -> str:
    return str(WORDS["numbers"][str(thing.count)]) + chance.pick(noun.measures)


def _described(thing: Thing, noun: Noun, chance: Chance) -> str:
    sized = chance.happens(_SIZE_ODDS)
    if thing.kind in PEOPLE:
        size = chance.pick(WORDS["people_sizes"][thing.size]) if sized else ""
        return _worn(thing, chance) + size + noun.name
    size = WORDS["sizes"][thing.size] if sized else ""
    if thing.kind in WORDS["wear"]:
        return _worn(thing, chance) + size + noun.name
    return _colored(thing, noun, size, chance)


def _worn(thing: Thing, chance: Chance) -> str:
    """The garment that carries the colour: "穿着红色裙子的", "戴红帽子的"."""
    verb, garments = chance.pick(WORDS["wear"][thing.kind])
    garment = chance.pick(garments)
    short = len(garment) == 2 and _worn_short(thing.color, garment) and chance.happens(_SHORT_ODDS)
    color = SHORT_COLORS[thing.color] if short else str(chance.pick(WORDS["colors"][thing.color]))
    return f"{verb}{chance.pick(('', '着', '着'))}{color}{garment}的"


def _worn_short(color: str, garment: str) -> bool:
    """橘 alone is said of fruit and cats, and 绿帽子 means a deceived husband."""
    return color != "orange" and (color, garment) != ("green", "帽子")


def _colored(thing: Thing, noun: Noun, size: str, chance: Chance) -> str:
    short = SHORT_COLORS[thing.color]
    if short in noun.short and _takes_short(noun, size, short) and chance.happens(_SHORT_ODDS):
        return size + short + noun.name
    color = str(chance.pick(WORDS["colors"][thing.color]))
    if size and len(noun.name) > 1 and chance.happens(0.15):
        return f"{size}{size}的{color}{noun.name}"
    link = "的" if len(size + noun.name) == 1 else chance.pick(("的", "的", ""))
    return color + link + size + noun.name


def _takes_short(noun: Noun, size: str, short: str) -> bool:
    """小红球 and 大白猫 are said; 小红汽车 and 大红球 are not, or mean something else."""
    return not size or (len(noun.name) == 1 and (size == "小" or short in "黑白"))
