"""English captions of a scene: five sentences that state the same facts, each true of the image."""

from __future__ import annotations

from photoseek_export.demo.scenes.captions import TIME_ODDS, Style, adjacent, different, has_pair, related_first, side
from photoseek_export.demo.scenes.english.phrases import PLACE_NAMES, WHERE, WORDS, thing_phrase, time_phrase
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_003


def captions(scene: Scene, seed: int) -> list[str]:
    """Return five different captions; at least four name every group with its color and count, and the place."""
    return different(scene, SeededRandom(STREAM, seed), FULL_STYLES, _short, _finished)


def _listed(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A, B and C in the place."""
    return _joined(_phrases(scene, rng), "and") + _where(scene, rng) + _when(scene, rng)


def _shown(scene: Scene, rng: SeededRandom) -> str:
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


FULL_STYLES: tuple[Style, ...] = (_listed, _shown, _related, _placed_first, _named, _positioned, _active)


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
    standing, flying = (b, a) if first.layer == "sky" else (a, b)
    return f"{standing} {rng.pick(('and', 'with'))} {flying} {rng.pick(WORDS['overhead'])}"


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
    return " " + time_phrase(scene, rng) if rng.bernoulli(TIME_ODDS) else ""


def _joined(phrases: list[str], word: str) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} {word} {phrases[-1]}"


def _finished(text: str, rng: SeededRandom) -> str:
    """Return a text in lowercase or as a sentence, with or without a period."""
    if rng.bernoulli(0.6):
        text = text[0].upper() + text[1:]
    return text + "." if rng.bernoulli(0.5) else text
