"""Drawn scenes: reproducible, with true captions and visible objects."""

from __future__ import annotations

import hashlib
import itertools
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from photoseek_export.demo.scenes import scenes
from photoseek_export.demo.scenes.scenes import (
    Scene,
    Thing,
    captions,
    compose,
    queries,
    render,
    write_captions,
    write_picture,
)
from photoseek_export.demo.scenes.world import COLORS, KINDS, PLACES, TIMES, WORLD

SAMPLE = range(1_000_000, 1_000_400)
TEXTS = (captions, queries)
NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "a pair of": 2, "a couple of": 2, "three": 3, "four": 4}
SYNONYMS = {
    "automobile": "car", "coach": "bus", "coaches": "bus", "buses": "bus", "steam train": "train", "bike": "bicycle",
    "cottage": "house", "camping tent": "tent", "blossom": "flower", "toy ball": "ball", "parasol": "umbrella",
    "kid": "child", "children": "child", "lady": "woman", "ladies": "woman", "women": "woman", "guy": "man",
    "men": "man", "snowmen": "snowman", "couch": "sofa", "couches": "sofa", "floor lamp": "lamp",
    "sailing boat": "boat", "sailboat": "boat", "airplane": "plane", "aeroplane": "plane",
}  # fmt: skip
PLACE_WORDS = {
    "beach": "beach|sea|seaside|ocean|seashore", "meadow": "meadow", "street": "street|city(?! park)|town",
    "mountain lake": "lake", "snowy field": "snowy field|field of snow|snowy ground|in the snow|winter",
    "park": "park", "harbour": "harbour|port|docks", "desert": "desert", "farm": "farm|farmland",
    "living room": "living room|lounge|indoors",
}  # fmt: skip
ORDER = ["left", "middle", "right"]
TIME_WORDS = {
    "day": "day|daytime|daylight|sunny|sunshine|sunlight|overcast|grey",
    "sunset": "sunset|dusk|evening|twilight|sun goes",
    "night": "night|dark|stars|starry|moonlight",
}
WEATHER_WORDS = {
    "clear": "clear|sunny|sunshine|sunlight|stars|starry|moonlight",
    "cloudy": "cloudy|clouds|overcast|grey|dull",
    "rain": "rain|rains|rainy|wet",
    "snow": "falling snow|snowfall|snows|snowy day|snowy night",
}
_NUMBER = "|".join(sorted(NUMBERS, key=len, reverse=True))
_COLOR = "|".join(COLORS)
_WEARER = "child|children|kids?|wom[ae]n|lady|ladies|m[ae]n|guys?|snowm[ae]n"
GROUP = re.compile(
    rf"\b(?P<number>{_NUMBER})(?: (?:small|little|tiny|big|large|tall))?"
    rf"(?: (?P<color>{_COLOR}) (?P<noun>(?:steam |camping |toy |floor |sailing )?\w+)"
    rf"| (?P<wearer>{_WEARER}) (?:in|wearing|with)(?: an?)? (?P<worn>{_COLOR}))"
)


def kind_of(noun: str) -> str:
    """Return the kind that a noun of a caption names, by an independent list in this file."""
    for form in (noun, noun.removesuffix("s")):
        kind = SYNONYMS.get(form, form)
        if kind in KINDS:
            return kind
    raise AssertionError(f"expected the noun of a kind, found {noun!r}")


def groups_in(text: str) -> list[tuple[str, str, int]]:
    """Return kind, color and count of each group that a caption names."""
    found = [match.groupdict() for match in GROUP.finditer(text.lower())]
    return [(kind_of(m["noun"] or m["wearer"]), m["color"] or m["worn"], NUMBERS[m["number"]]) for m in found]


def facts(thing: Thing) -> tuple[str, str, int]:
    return (thing.kind, thing.color, thing.count)


def says(words: str, text: str) -> bool:
    return re.search(rf"\b(?:{words})\b", text.lower()) is not None


@cache
def sampled() -> list[tuple[Scene, str]]:
    return [(scene, text) for seed in SAMPLE for scene in [compose(seed)] for text in captions(scene, seed)]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def one(kind: str, color: str, *, time: str = "day", place: str = "meadow") -> Scene:
    layer = KINDS[kind].layer
    return Scene(place, time, "clear", (Thing(kind, color, 1, "big", "middle", layer),))


def pixels(scene: Scene, seed: int = 1) -> npt.NDArray[np.float32]:
    return np.asarray(render(scene, seed), dtype=np.float32)


def test_scenes_and_captions_of_a_seed_never_change() -> None:
    seeds = (0, 1, 2, 1_000_000, 2_000_000, 3_000_000)
    composed = [compose(seed) for seed in seeds]
    assert sha256("\n".join(map(repr, composed))) == "51b7231d816ad85ebed641c0dfdc06f628c99efb5a3fab94c995e2b21428413e"
    texts = itertools.chain.from_iterable(captions(scene, seed) for scene, seed in zip(composed, seeds, strict=True))
    assert sha256("\n".join(texts)) == "ddc5d4ee86af18914e999393b68b64efd5f8dbb8e8ad2b26b4c28d9ea27ec306"


def test_english_texts_of_a_thousand_seeds_never_change() -> None:
    made = [
        (compose(seed), seed) for first in (0, 1_000_000, 2_000_000, 3_000_000) for seed in range(first, first + 250)
    ]
    hashes = [sha256("\n".join(text for scene, seed in made for text in texts(scene, seed))) for texts in TEXTS]
    assert hashes == [
        "191c8a7d54c46be7b3d5c085890c8be83ff742fd758eec122412fb36cd0f7fef",
        "259cfff29256fa9faadb225e8e881a35d6a124f3b3c6c232014f4fc0bc591ca0",
    ]


@pytest.mark.parametrize(
    ("seed", "greys"),
    [
        (0, [58, 50, 52, 51, 65, 61, 71, 77, 88, 85, 95, 95]),
        (1, [147, 142, 130, 157, 148, 133, 135, 158, 152, 152, 168, 161]),
        (1_000_000, [165, 158, 176, 156, 181, 181, 181, 187, 137, 148, 163, 153]),
        (2_000_000, [132, 130, 126, 123, 164, 164, 152, 152, 174, 162, 163, 174]),
    ],
)
def test_pictures_of_a_seed_never_change(seed: int, greys: list[int]) -> None:
    """Mean grays of twelve fields: another release of Pillow may round a pixel differently."""
    fields = render(compose(seed), seed).convert("L").resize((4, 3), Image.Resampling.BOX)
    assert np.abs(np.asarray(fields, dtype=int).ravel() - greys).max() <= 1
    assert WORLD == 1


def test_a_picture_of_a_seed_is_the_same_twice_and_differs_from_another() -> None:
    scene = compose(5)
    assert render(scene, 5).tobytes() == render(scene, 5).tobytes()
    assert render(scene, 5).tobytes() != render(scene, 6).tobytes()


def test_five_captions_differ_by_more_than_case_and_full_stop() -> None:
    for seed in SAMPLE:
        texts = captions(compose(seed), seed)
        assert len({text.lower().rstrip(".") for text in texts}) == 5


def test_every_group_a_caption_names_is_in_the_scene() -> None:
    for scene, text in sampled():
        named = groups_in(text)
        assert set(named) <= {facts(thing) for thing in scene.things}, text
        assert len(named) == len(re.findall(rf"\b(?:{_COLOR})\b", text.lower())), text


def test_at_least_four_captions_name_every_group_and_the_place() -> None:
    for seed in SAMPLE:
        scene = compose(seed)
        everything = {facts(thing) for thing in scene.things}
        texts = captions(scene, seed)
        full = [t for t in texts if set(groups_in(t)) == everything and says(PLACE_WORDS[scene.place], t)]
        assert len(full) >= 4, texts


def test_a_caption_never_names_another_place_time_or_weather() -> None:
    for scene, text in sampled():
        places = {name for name, words in PLACE_WORDS.items() if says(words, text)}
        assert places <= {scene.place}, text
        assert {name for name, words in TIME_WORDS.items() if says(words, text)} <= {scene.time}, text
        assert {name for name, words in WEATHER_WORDS.items() if says(words, text)} <= {scene.weather}, text


RELATIONS: dict[str, Callable[[Thing, Thing], bool]] = {
    r"to the left of": lambda a, b: ORDER.index(a.position) < ORDER.index(b.position),
    r"to the right of": lambda a, b: ORDER.index(a.position) > ORDER.index(b.position),
    r"in front of": lambda a, b: (a.layer, b.layer, a.position) == ("front", "back", b.position),
    r"behind": lambda a, b: (a.layer, b.layer, a.position) == ("back", "front", b.position),
    r"above|over|high above": lambda a, b: a.layer == "sky" and a.position == b.position,
    r"under|below|beneath": lambda a, b: b.layer == "sky" and a.position == b.position,
}


@pytest.mark.parametrize("words", RELATIONS)
def test_a_relation_in_a_caption_holds_in_the_scene(words: str) -> None:
    checked = 0
    for scene, text in sampled():
        by_facts = {facts(thing): thing for thing in scene.things}
        for link in re.finditer(rf" (?:{words}) (?={GROUP.pattern})", text.lower()):
            before, after = groups_in(text[: link.start()]), groups_in(text[link.end() :])
            assert RELATIONS[words](by_facts[before[-1]], by_facts[after[0]]), text
            checked += 1
    assert checked > 10


def test_a_position_in_a_caption_is_that_of_the_scene() -> None:
    side = re.compile(r" (?:on|to|in) the (left|right|middle|centre)(?: side)?(?! of\b)")
    checked = 0
    for scene, text in sampled():
        by_facts = {facts(thing): thing for thing in scene.things}
        for match in side.finditer(text):
            thing = by_facts[groups_in(text[: match.start()])[-1]]
            assert match[1].replace("centre", "middle") == thing.position, text
            checked += 1
    assert checked > 100


def test_a_size_word_is_never_used_of_another_size() -> None:
    words = {"small": "small|little|tiny", "big": "big|large|tall"}
    for scene, text in sampled():
        for size, forms in words.items():
            assert not says(forms, text) or size in {thing.size for thing in scene.things}, text


def test_the_vocabulary_stays_small() -> None:
    words = Counter(word for _, text in sampled() for word in re.findall(r"[a-z]+", text.lower()))
    assert 200 <= len(words) <= 400


def test_scenes_of_a_gallery_differ() -> None:
    def key(scene: Scene) -> tuple[object, ...]:
        return (scene.place, scene.time, tuple(sorted(facts(thing) for thing in scene.things)))

    seeds = scenes.TEST_SEEDS[:500]
    assert len({key(compose(seed)) for seed in seeds}) >= 498


def test_every_place_time_kind_color_and_count_occurs() -> None:
    made = [compose(seed) for seed in range(3_000)]
    things = [thing for scene in made for thing in scene.things]
    assert {scene.place for scene in made} == set(PLACES)
    assert {scene.time for scene in made} == set(TIMES)
    assert {thing.kind for thing in things} == set(KINDS)
    assert {thing.color for thing in things} == set(COLORS)
    assert {thing.count for thing in things} == {1, 2, 3, 4}


def test_weather_suits_the_place() -> None:
    for seed in range(2_000):
        scene = compose(seed)
        assert scene.weather in PLACES[scene.place].weathers
        assert all(scene.place in KINDS[thing.kind].places for thing in scene.things)


def test_seed_ranges_are_disjoint() -> None:
    ranges = (scenes.TRAIN_SEEDS, scenes.DEV_SEEDS, scenes.DEMO_SEEDS, scenes.TEST_SEEDS)
    for first, second in itertools.combinations(ranges, 2):
        assert first.stop <= second.start or second.stop <= first.start


def test_a_picture_is_rgb() -> None:
    assert (render(compose(3), 3).mode, render(compose(3), 3).size) == ("RGB", (320, 240))


@pytest.mark.parametrize("place", PLACES)
def test_night_is_darker_than_day(place: str) -> None:
    day, night = (pixels(Scene(place, time, "clear", ())) for time in ("day", "night"))
    assert night[:100].mean() < 0.7 * day[:100].mean()
    assert night[160:].mean() < 0.7 * day[160:].mean()


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize(("color", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_the_color_of_a_car_is_in_the_picture(color: str, channel: int, time: str) -> None:
    def share(car: str) -> float:
        picture = pixels(one("car", car, time=time, place="snowy field"))
        others = np.delete(picture, channel, axis=2).max(axis=2)
        return float((picture[..., channel] > 1.3 * others + 20).mean())

    other = "yellow" if color != "green" else "white"
    assert share(color) > share(other) + 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_large_enough_to_see(kind: str) -> None:
    place = KINDS[kind].places[0]
    scene = one(kind, KINDS[kind].colors[0], place=place)
    empty = Scene(place, "day", "clear", ())
    changed = np.abs(pixels(scene) - pixels(empty)).max(axis=2) > 24
    assert changed.mean() > 0.01


def test_more_things_cover_more_of_the_picture() -> None:
    def covered(count: int) -> float:
        thing = Thing("ball", "red", count, "medium", "middle", "ground")
        picture, empty = (pixels(Scene("beach", "day", "clear", things)) for things in ((thing,), ()))
        return float((np.abs(picture - empty).max(axis=2) > 24).mean())

    areas = [covered(count) for count in (1, 2, 3, 4)]
    assert areas == sorted(areas)
    assert areas[3] > 2.5 * areas[0]


def test_written_pictures_and_captions_match_their_seeds(tmp_path: Path) -> None:
    write_picture(tmp_path / "pictures", 123)
    with Image.open(tmp_path / "pictures" / "scene-000123.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 240))
    path = write_captions(tmp_path / "captions.token", range(120, 124), captions, "en")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 20
    assert lines[6] == f"scene-000121.jpg#1\t{captions(compose(121), 121)[1]}"


def test_an_existing_picture_is_not_drawn_again(tmp_path: Path) -> None:
    (tmp_path / "scene-000000.jpg").write_bytes(b"existing")
    write_picture(tmp_path, 0)
    write_picture(tmp_path, 1)
    assert (tmp_path / "scene-000000.jpg").read_bytes() == b"existing"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["scene-000000.jpg", "scene-000001.jpg"]


def test_drawing_needs_only_numpy_and_pillow() -> None:
    code = (
        "import sys, photoseek; before = set(sys.modules); import photoseek_export.demo.scenes.scenes; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names); "
        "print(*sorted(new - {'numpy', 'PIL', 'photoseek', 'photoseek_export'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
