"""Chinese phrases for where and when: places, time of day and weather, and the sky."""

from __future__ import annotations

from photoseek_export.demo.scenes import captions
from photoseek_export.demo.scenes.chinese.nouns import PLACE_NAMES, WHERE, WORDS
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene


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
    """Return time of day and weather in one phrase, true of the scene: "下雨的夜晚"."""
    return captions.time_phrase(WORDS, scene, rng)


def aloft(scene: Scene, rng: SeededRandom) -> str:
    """Return where objects fly: a room has no sky."""
    return str(rng.pick(WORDS["aloft_indoors" if scene.place == "living room" else "aloft"]))
