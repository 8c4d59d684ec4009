"""Captions of a scene: five sentences that word the same facts differently, every one true of the picture."""

from __future__ import annotations

from collections.abc import Callable

from photoseek.demo.chance import Chance
from photoseek.demo.phrases import (
    ABOVE,
    BELOW,
    DOING,
    NEAR,
    OVERHEAD,
    PLACE_NAMES,
    POSITION_WORDS,
    WHERE,
    thing_phrase,
    time_phrase,
)
from photoseek.demo.world import POSITIONS, Scene, Thing

STREAM = 7_003
CAPTIONS = 5
OPENINGS = (
    "a photo of",
    "a picture of",
    "a picture showing",
    "a view of",
    "an illustration of",
    "a scene with",
    "we see",
    "you can see",
)
TIME_ODDS = 0.65  # how often a caption says the time of day or the weather
Style = Callable[[Scene, Chance], str]


def captions(scene: Scene, seed: int) -> list[str]:
    """Five different captions; at least four name every group with its colour and count, and the place."""
    chance = Chance(STREAM, seed)
    styles = chance.shuffled(FULL_STYLES)[:CAPTIONS]
    if chance.happens(0.6):
        styles[-1] = _short
    made: list[str] = []
    for style in chance.shuffled(styles):
        text = _finished(style(scene, chance), chance)
        while text.lower().rstrip(".") in {other.lower().rstrip(".") for other in made}:
            text = _finished(style(scene, chance), chance)
        made.append(text)
    return made


def _listed(scene: Scene, chance: Chance) -> str:
    """A, B and C in the place."""
    return _joined(_phrases(scene, chance), "and") + _where(scene, chance) + _when(scene, chance)


def _shown(scene: Scene, chance: Chance) -> str:
    """A photo of A with B and C in the place."""
    opening = chance.pick(OPENINGS)
    first, *others = _phrases(scene, chance)
    return f"{opening} {first}{_where(scene, chance)} with {_joined(others, 'and')}{_when(scene, chance)}"


def _related(scene: Scene, chance: Chance) -> str:
    """A next to B, in the place, and C."""
    first, second, *others = _related_first(scene, chance)
    rest = "".join(f", {chance.pick(('and', 'with'))} {thing_phrase(thing, chance)}" for thing in others)
    return relation(scene, first, second, chance) + _where(scene, chance) + rest + _when(scene, chance)


def _placed_first(scene: Scene, chance: Chance) -> str:
    """In the place there are A and B."""
    things = chance.shuffled(scene.things)
    verb = "are" if things[0].count > 1 else "is"
    listed = _joined([thing_phrase(thing, chance) for thing in things], "and")
    return f"{chance.pick(WHERE[scene.place])}{_when(scene, chance)} there {verb} {listed}"


def _named(scene: Scene, chance: Chance) -> str:
    """The place, with A and B."""
    name = chance.pick(PLACE_NAMES[scene.place])
    link = chance.pick((" with", " with", ", with", ":"))
    return f"{name}{_when(scene, chance)}{link} {_joined(_phrases(scene, chance), 'and')}"


def _positioned(scene: Scene, chance: Chance) -> str:
    """A on the left and B on the right, in the place."""
    if any(thing.layer == "front" for thing in scene.things):
        return _related(scene, chance)
    things = chance.shuffled(scene.things)
    phrases = [f"{thing_phrase(thing, chance)} {_spot(thing, chance)}" for thing in things]
    where, when = _where(scene, chance).strip(), _when(scene, chance)
    if chance.happens(0.5):
        return f"{where}{when}, {_joined(phrases, 'and')}"
    return f"{_joined(phrases, 'and')}, {where}{when}"


def _active(scene: Scene, chance: Chance) -> str:
    """A standing in the place, with B nearby."""
    first, *others = sorted(chance.shuffled(scene.things), key=lambda thing: thing.layer == "sky")
    opening = chance.pick(("", "", "there are " if first.count > 1 else "there is "))
    rest = _joined([f"{thing_phrase(thing, chance)}{_aside(thing, chance)}" for thing in others], "and")
    doing = f"{opening}{thing_phrase(first, chance)} {chance.pick(DOING[first.kind])}"
    return f"{doing}{_where(scene, chance)}{_when(scene, chance)}, {chance.pick(('with', 'and'))} {rest}"


def _short(scene: Scene, chance: Chance) -> str:
    """Two groups and how they stand, without the place."""
    first, second, *_ = _related_first(scene, chance)
    return relation(scene, first, second, chance) + _when(scene, chance)


FULL_STYLES: tuple[Style, ...] = (_listed, _shown, _related, _placed_first, _named, _positioned, _active)


def relation(scene: Scene, first: Thing, second: Thing, chance: Chance) -> str:
    """Both groups, joined by a relation that holds between them as they are drawn."""
    a, b = thing_phrase(first, chance), thing_phrase(second, chance)
    if "sky" in (first.layer, second.layer):
        return _raised(first, second, a, b, chance)
    if {first.layer, second.layer} == {"front", "back"}:
        return f"{a} {'in front of' if first.layer == 'front' else 'behind'} {b}"
    if chance.happens(0.4) or not _adjacent(scene, first, second):
        return f"{a} to the {_side(first, second)} of {b}"
    return f"{a} {chance.pick(NEAR)} {b}"


def _raised(first: Thing, second: Thing, a: str, b: str, chance: Chance) -> str:
    """One group over the other if they share a position, else only high up."""
    if first.position == second.position:
        return f"{a} {chance.pick(ABOVE if first.layer == 'sky' else BELOW)} {b}"
    standing, flying = (b, a) if first.layer == "sky" else (a, b)
    return f"{standing} {chance.pick(('and', 'with'))} {flying} {chance.pick(OVERHEAD)}"


def _adjacent(scene: Scene, first: Thing, second: Thing) -> bool:
    """Nothing stands between the two."""
    standing = {thing.position for thing in scene.things if thing.layer != "sky"}
    return len(standing) < 3 or "middle" in (first.position, second.position)


def _side(first: Thing, second: Thing) -> str:
    return "left" if POSITIONS.index(first.position) < POSITIONS.index(second.position) else "right"


def _related_first(scene: Scene, chance: Chance) -> list[Thing]:
    """The groups in random order, but those before and behind each other first."""
    return sorted(chance.shuffled(scene.things), key=lambda thing: _has_pair(scene) and thing.layer == "sky")


def _has_pair(scene: Scene) -> bool:
    return any(thing.layer == "front" for thing in scene.things)


def _phrases(scene: Scene, chance: Chance) -> list[str]:
    return [thing_phrase(thing, chance) for thing in chance.shuffled(scene.things)]


def _spot(thing: Thing, chance: Chance) -> str:
    in_sky = thing.layer == "sky" and chance.happens(0.5)
    return chance.pick(OVERHEAD if in_sky else POSITION_WORDS[thing.position])


def _aside(thing: Thing, chance: Chance) -> str:
    """What a group of less weight in the sentence does, or nothing."""
    if thing.layer == "sky":
        return f" {chance.pick(DOING[thing.kind])} {chance.pick(OVERHEAD)}"
    return chance.pick(("", "", " nearby"))


def _where(scene: Scene, chance: Chance) -> str:
    return " " + chance.pick(WHERE[scene.place])


def _when(scene: Scene, chance: Chance) -> str:
    return " " + time_phrase(scene, chance) if chance.happens(TIME_ODDS) else ""


def _joined(phrases: list[str], word: str) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} {word} {phrases[-1]}"


def _finished(text: str, chance: Chance) -> str:
    """In lower case or as a sentence, with or without a full stop."""
    if chance.happens(0.6):
        text = text[0].upper() + text[1:]
    return text + "." if chance.happens(0.5) else text
