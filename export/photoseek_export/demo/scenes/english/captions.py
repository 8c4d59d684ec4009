"""Captions of a scene: five sentences that word the same facts differently, every one true of the picture."""

from __future__ import annotations

from photoseek_export.demo.scenes.captions import TIME_ODDS, Style, adjacent, different, has_pair, related_first, side
from photoseek_export.demo.scenes.english.phrases import PLACE_NAMES, WHERE, WORDS, thing_phrase, time_phrase
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_003


def captions(scene: Scene, seed: int) -> list[str]:
    """Five different captions; at least four name every group with its colour and count, and the place."""
    return different(scene, Chance(STREAM, seed), FULL_STYLES, _short, _finished)


def _listed(scene: Scene, chance: Chance) -> str:
    """A, B and C in the place."""
    return _joined(_phrases(scene, chance), "and") + _where(scene, chance) + _when(scene, chance)


def _shown(scene: Scene, chance: Chance) -> str:
    """A photo of A with B and C in the place."""
    opening = chance.pick(WORDS["openings"])
    first, *others = _phrases(scene, chance)
    return f"{opening} {first}{_where(scene, chance)} with {_joined(others, 'and')}{_when(scene, chance)}"


def _related(scene: Scene, chance: Chance) -> str:
    """A next to B, in the place, and C."""
    first, second, *others = related_first(scene, chance)
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
    if has_pair(scene):
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
    doing = f"{opening}{thing_phrase(first, chance)} {chance.pick(WORDS['doing'][first.kind])}"
    return f"{doing}{_where(scene, chance)}{_when(scene, chance)}, {chance.pick(('with', 'and'))} {rest}"


def _short(scene: Scene, chance: Chance) -> str:
    """Two groups and how they stand, without the place."""
    first, second, *_ = related_first(scene, chance)
    return relation(scene, first, second, chance) + _when(scene, chance)


FULL_STYLES: tuple[Style, ...] = (_listed, _shown, _related, _placed_first, _named, _positioned, _active)


def relation(scene: Scene, first: Thing, second: Thing, chance: Chance) -> str:
    """Both groups, joined by a relation that holds between them as they are drawn."""
    a, b = thing_phrase(first, chance), thing_phrase(second, chance)
    if "sky" in (first.layer, second.layer):
        return _raised(first, second, a, b, chance)
    if {first.layer, second.layer} == {"front", "back"}:
        return f"{a} {'in front of' if first.layer == 'front' else 'behind'} {b}"
    if chance.happens(0.4) or not adjacent(scene, first, second):
        return f"{a} to the {side(first, second)} of {b}"
    return f"{a} {chance.pick(WORDS['near'])} {b}"


def _raised(first: Thing, second: Thing, a: str, b: str, chance: Chance) -> str:
    """One group over the other if they share a position, else only high up."""
    if first.position == second.position:
        return f"{a} {chance.pick(WORDS['above' if first.layer == 'sky' else 'below'])} {b}"
    standing, flying = (b, a) if first.layer == "sky" else (a, b)
    return f"{standing} {chance.pick(('and', 'with'))} {flying} {chance.pick(WORDS['overhead'])}"


def _phrases(scene: Scene, chance: Chance) -> list[str]:
    return [thing_phrase(thing, chance) for thing in chance.shuffled(scene.things)]


def _spot(thing: Thing, chance: Chance) -> str:
    in_sky = thing.layer == "sky" and chance.happens(0.5)
    return str(chance.pick(WORDS["overhead"] if in_sky else WORDS["positions"][thing.position]))


def _aside(thing: Thing, chance: Chance) -> str:
    """What a group of less weight in the sentence does, or nothing."""
    if thing.layer == "sky":
        return f" {chance.pick(WORDS['doing'][thing.kind])} {chance.pick(WORDS['overhead'])}"
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
