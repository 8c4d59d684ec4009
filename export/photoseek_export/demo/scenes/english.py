"""English captions and queries of a scene, each true of the image."""

from __future__ import annotations

import re
from functools import partial

from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.wording import (
    TIME_ODDS,
    Choices,
    Style,
    adjacent,
    different,
    has_pair,
    read_words,
    related_first,
    side,
    time_phrase,
)
from photoseek_export.demo.scenes.world import Scene, Thing

CAPTION_STREAM, QUERY_STREAM = 7_003, 7_004
QUERIES = 4
WORDS = read_words("english")
NOUNS: dict[str, list[list[str]]] = WORDS["nouns"]
WHERE: Choices = WORDS["where"]
PLACE_NAMES: Choices = WORDS["place_names"]
_LINKS = ("and", "with", "and", "next to")
_time_phrase = partial(time_phrase, WORDS)


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


def captions(scene: Scene, seed: int) -> list[str]:
    """Return five different captions; at least four name every group with its color and count, and the place."""
    return different(scene, SeededRandom(CAPTION_STREAM, seed), FULL_STYLES, _short, _finished)


def _listed(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A, B and C in the place."""
    return _joined(_phrases(scene, rng), "and") + _where(scene, rng) + _when(scene, rng)


def _pictured(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A photo of A with B and C in the place."""
    opening = rng.pick(WORDS["openings"])
    first, *others = _phrases(scene, rng)
    return f"{opening} {first}{_where(scene, rng)} with {_joined(others, 'and')}{_when(scene, rng)}"


def _related(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A next to B, in the place, and C."""
    first, second, *others = related_first(scene, rng)
    rest = "".join(f", {rng.pick(('and', 'with'))} {thing_phrase(thing, rng)}" for thing in others)
    return relation(scene, first, second, rng) + _where(scene, rng) + rest + _when(scene, rng)


def _placed_first(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: In the place there are A and B."""
    things = rng.shuffled(scene.things)
    verb = "are" if things[0].count > 1 else "is"
    listed = _joined([thing_phrase(thing, rng) for thing in things], "and")
    return f"{rng.pick(WHERE[scene.place])}{_when(scene, rng)} there {verb} {listed}"


def _named(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: The place, with A and B."""
    name = rng.pick(PLACE_NAMES[scene.place])
    link = rng.pick((" with", " with", ", with", ":"))
    return f"{name}{_when(scene, rng)}{link} {_joined(_phrases(scene, rng), 'and')}"


def _positioned(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A on the left and B on the right, in the place."""
    if has_pair(scene):
        return _related(scene, rng)
    things = rng.shuffled(scene.things)
    phrases = [f"{thing_phrase(thing, rng)} {_spot(thing, rng)}" for thing in things]
    where, when = _where(scene, rng).strip(), _when(scene, rng)
    if rng.bernoulli(0.5):
        return f"{where}{when}, {_joined(phrases, 'and')}"
    return f"{_joined(phrases, 'and')}, {where}{when}"


def _active(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A standing in the place, with B nearby."""
    first, *others = sorted(rng.shuffled(scene.things), key=lambda thing: thing.layer == "sky")
    opening = rng.pick(("", "", "there are " if first.count > 1 else "there is "))
    rest = _joined([f"{thing_phrase(thing, rng)}{_aside(thing, rng)}" for thing in others], "and")
    doing = f"{opening}{thing_phrase(first, rng)} {rng.pick(WORDS['doing'][first.kind])}"
    return f"{doing}{_where(scene, rng)}{_when(scene, rng)}, {rng.pick(('with', 'and'))} {rest}"


def _short(scene: Scene, rng: SeededRandom) -> str:
    """Return two groups and their relation, without the place."""
    first, second, *_ = related_first(scene, rng)
    return relation(scene, first, second, rng) + _when(scene, rng)


FULL_STYLES: tuple[Style, ...] = (_listed, _pictured, _related, _placed_first, _named, _positioned, _active)


def relation(scene: Scene, first: Thing, second: Thing, rng: SeededRandom) -> str:
    """Return both groups, joined by a relation that is true of the image."""
    a, b = thing_phrase(first, rng), thing_phrase(second, rng)
    if "sky" in (first.layer, second.layer):
        return _raised(first, second, a, b, rng)
    if {first.layer, second.layer} == {"front", "back"}:
        return f"{a} {'in front of' if first.layer == 'front' else 'behind'} {b}"
    if rng.bernoulli(0.4) or not adjacent(scene, first, second):
        return f"{a} to the {side(first, second)} of {b}"
    return f"{a} {rng.pick(WORDS['near'])} {b}"


def _raised(first: Thing, second: Thing, a: str, b: str, rng: SeededRandom) -> str:
    """Return one group as above the other if they share a position, else as high up."""
    if first.position == second.position:
        return f"{a} {rng.pick(WORDS['above' if first.layer == 'sky' else 'below'])} {b}"
    lower, flying = (b, a) if first.layer == "sky" else (a, b)
    return f"{lower} {rng.pick(('and', 'with'))} {flying} {rng.pick(WORDS['overhead'])}"


def _phrases(scene: Scene, rng: SeededRandom) -> list[str]:
    return [thing_phrase(thing, rng) for thing in rng.shuffled(scene.things)]


def _spot(thing: Thing, rng: SeededRandom) -> str:
    in_sky = thing.layer == "sky" and rng.bernoulli(0.5)
    return str(rng.pick(WORDS["overhead"] if in_sky else WORDS["positions"][thing.position]))


def _aside(thing: Thing, rng: SeededRandom) -> str:
    """Return what a secondary group does, or nothing."""
    if thing.layer == "sky":
        return f" {rng.pick(WORDS['doing'][thing.kind])} {rng.pick(WORDS['overhead'])}"
    return rng.pick(("", "", " nearby"))


def _where(scene: Scene, rng: SeededRandom) -> str:
    return " " + rng.pick(WHERE[scene.place])


def _when(scene: Scene, rng: SeededRandom) -> str:
    return " " + _time_phrase(scene, rng) if rng.bernoulli(TIME_ODDS) else ""


def _joined(phrases: list[str], word: str) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} {word} {phrases[-1]}"


def _finished(text: str, rng: SeededRandom) -> str:
    """Return a text in lowercase or as a sentence, with or without a period."""
    if rng.bernoulli(0.6):
        text = text[0].upper() + text[1:]
    return text + "." if rng.bernoulli(0.5) else text


def queries(scene: Scene, seed: int) -> list[str]:
    """Return four phrases, one of each type: one group, its kind alone, two groups, the place."""
    rng = SeededRandom(QUERY_STREAM, seed)
    return [style(scene, rng) for style in (_one_group, _one_kind, _two_groups, _place)]


def _one_group(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A red car at night."""
    return thing_phrase(rng.pick(scene.things), rng) + _setting(scene, rng, 0.4)


def _one_kind(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A cat in a living room."""
    return kind_phrase(rng.pick(scene.things), rng) + _setting(scene, rng, 0.7)


def _two_groups(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A car and a brown tree in the park."""
    first, second = rng.shuffled(scene.things)[:2]
    described = [
        thing_phrase(thing, rng) if rng.bernoulli(0.6) else kind_phrase(thing, rng) for thing in (first, second)
    ]
    adjoining = "sky" not in (first.layer, second.layer) and len(scene.things) == 2
    link = rng.pick(_LINKS if adjoining else _LINKS[:-1])
    return f"{described[0]} {link} {described[1]}{_setting(scene, rng, 0.4)}"


def _place(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A beach at sunset."""
    return f"{rng.pick(PLACE_NAMES[scene.place])} {_time_phrase(scene, rng)}"


def kind_phrase(thing: Thing, rng: SeededRandom) -> str:
    """Return a group without its color: "a cat", "two cats", "cats"."""
    noun, number = a_noun(thing, rng), a_number(thing, rng)
    if thing.count > 1 and rng.bernoulli(0.5):
        return noun
    return f"an {noun}" if number == "a" and noun[0] in "aeiou" else f"{number} {noun}"


def _setting(scene: Scene, rng: SeededRandom, odds: float) -> str:
    """Return the place, the time, both, or nothing, each with the given probability."""
    where = f" {rng.pick(WHERE[scene.place])}" if rng.bernoulli(odds) else ""
    when = f" {_time_phrase(scene, rng)}" if rng.bernoulli(odds) else ""
    return where + when
