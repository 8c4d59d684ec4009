"""Chinese phrases for where and when: places, time of day and weather, and the sky."""

from __future__ import annotations

from photoseek_export.demo.scenes import captions
from photoseek_export.demo.scenes.chinese.nouns import PLACE_NAMES, WHERE, WORDS
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import Scene


def where(scene: Scene, chance: Chance) -> str:
    """Where things are: "沙滩上"."""
    return chance.pick(WHERE[scene.place])


def where_and_when(scene: Scene, chance: Chance, odds: float) -> str:
    """Where things are, and with these odds when: "夜里的沙滩上"."""
    return _timed(WHERE[scene.place], scene, chance, odds)


def place_name(scene: Scene, chance: Chance, odds: float = 0.0) -> str:
    """What the picture is of, and with these odds when: "雨中的港口"."""
    return _timed(PLACE_NAMES[scene.place], scene, chance, odds)


def _timed(places: list[str], scene: Scene, chance: Chance, odds: float) -> str:
    """A place that already says 的 goes without the time: a chain of them is clumsy."""
    if not chance.happens(odds):
        return chance.pick(places)
    return f"{when(scene, chance)}的{chance.pick([place for place in places if '的' not in place])}"


def when(scene: Scene, chance: Chance) -> str:
    """Time of day and weather in one phrase, true of the scene: "下雨的夜晚"."""
    return captions.time_phrase(WORDS, scene, chance)


def aloft(scene: Scene, chance: Chance) -> str:
    """Where things fly: there is no sky in a room."""
    return str(chance.pick(WORDS["aloft_indoors" if scene.place == "living room" else "aloft"]))
