"""English noun phrases for groups of things: number, size, color and noun."""

from __future__ import annotations

import re

from photoseek_export.demo.scenes import captions
from photoseek_export.demo.scenes.captions import Choices
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene, Thing

WORDS = captions.read_words(__file__)
NOUNS: dict[str, list[list[str]]] = WORDS["nouns"]
WHERE: Choices = WORDS["where"]
PLACE_NAMES: Choices = WORDS["place_names"]


def thing_phrase(thing: Thing, rng: SeededRandom) -> str:
    """Return a group as a noun phrase: number, often its size, color, noun ("two small red balls")."""
    noun = a_noun(thing, rng)
    sizes = WORDS["people_sizes" if thing.kind in WORDS["wear"] else "sizes"]
    size = rng.pick(sizes[thing.size]) if rng.bernoulli(0.5) else ""
    words = [a_number(thing, rng), size, *_colored(thing, noun, rng)]
    return _with_articles(" ".join(word for word in words if word))


def a_noun(thing: Thing, rng: SeededRandom) -> str:
    """Return a name of its kind, often the common one, in singular or plural."""
    names = NOUNS[thing.kind]
    return (names[0] if rng.bernoulli(0.6) else rng.pick(names))[thing.count > 1]


def a_number(thing: Thing, rng: SeededRandom) -> str:
    """Return the number of objects as a word."""
    return str(rng.pick(WORDS["numbers"][str(thing.count)]))


def _colored(thing: Thing, noun: str, rng: SeededRandom) -> tuple[str, str]:
    """Return the noun after its color, or followed by the garment that carries the color."""
    if thing.kind not in WORDS["wear"]:
        return thing.color, noun
    return noun, rng.pick(WORDS["wear"][thing.kind])[thing.count > 1].format(thing.color)


def _with_articles(text: str) -> str:
    """Replace "a" by "an" before a vowel letter: here each of them is also a vowel sound."""
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def time_phrase(scene: Scene, rng: SeededRandom) -> str:
    """Return time of day and weather in one phrase, true of the scene."""
    return captions.time_phrase(WORDS, scene, rng)
