"""Chinese words for things and places, read from ``words.toml``."""

from __future__ import annotations

from typing import NamedTuple

from photoseek_export.demo.scenes import captions
from photoseek_export.demo.scenes.captions import Choices

WORDS = captions.read_words(__file__)


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
