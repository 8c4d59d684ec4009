"""The words for what scenes hold: noun phrases, places, times and weather, positions, what things do."""

from __future__ import annotations

import re

from photoseek.demo.chance import Chance
from photoseek.demo.world import Position, Scene, Size, Thing

# Singular and plural; the first pair is the common name, the others stand in for it now and then.
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "car": (("car", "cars"), ("automobile", "automobiles")),
    "bus": (("bus", "buses"), ("coach", "coaches")),
    "train": (("train", "trains"), ("steam train", "steam trains")),
    "bicycle": (("bicycle", "bicycles"), ("bike", "bikes")),
    "house": (("house", "houses"), ("cottage", "cottages")),
    "tent": (("tent", "tents"), ("camping tent", "camping tents")),
    "tree": (("tree", "trees"),),
    "flower": (("flower", "flowers"), ("blossom", "blossoms")),
    "dog": (("dog", "dogs"),),
    "cat": (("cat", "cats"),),
    "sheep": (("sheep", "sheep"),),
    "horse": (("horse", "horses"),),
    "ball": (("ball", "balls"), ("toy ball", "toy balls")),
    "umbrella": (("umbrella", "umbrellas"), ("parasol", "parasols")),
    "child": (("child", "children"), ("kid", "kids")),
    "woman": (("woman", "women"), ("lady", "ladies")),
    "man": (("man", "men"), ("guy", "guys")),
    "snowman": (("snowman", "snowmen"),),
    "sofa": (("sofa", "sofas"), ("couch", "couches")),
    "lamp": (("lamp", "lamps"), ("floor lamp", "floor lamps")),
    "boat": (("boat", "boats"), ("sailing boat", "sailing boats"), ("sailboat", "sailboats")),
    "duck": (("duck", "ducks"),),
    "bird": (("bird", "birds"),),
    "plane": (("plane", "planes"), ("airplane", "airplanes"), ("aeroplane", "aeroplanes")),
    "balloon": (("balloon", "balloons"),),
    "kite": (("kite", "kites"),),
}
# What carries the colour of those who are not of one colour: one each, and several.
WEAR: dict[str, tuple[tuple[str, str], ...]] = {
    "child": (("in a {} shirt", "in {} shirts"), ("in {}", "in {}"), ("wearing {}", "wearing {}")),
    "woman": (("in a {} dress", "in {} dresses"), ("in {}", "in {}"), ("wearing {}", "wearing {}")),
    "man": (("in a {} jacket", "in {} jackets"), ("in {}", "in {}"), ("wearing {}", "wearing {}")),
    "snowman": (("with a {} scarf", "with {} scarves"), ("with a {} hat", "with {} hats")),
}
NUMBERS: dict[int, tuple[str, ...]] = {
    1: ("a", "a", "a", "a", "one"),
    2: ("two", "two", "two", "a pair of", "a couple of"),
    3: ("three",),
    4: ("four",),
}
SIZE_WORDS: dict[Size, tuple[str, ...]] = {
    "small": ("small", "little", "tiny"),
    "medium": ("",),
    "big": ("big", "large"),
}
DOING: dict[str, tuple[str, ...]] = {
    "car": ("parked", "waiting"),
    "bus": ("waiting", "parked"),
    "train": ("passing by", "steaming along"),
    "bicycle": ("parked", "standing"),
    "house": ("standing",),
    "tent": ("pitched", "set up"),
    "tree": ("growing", "standing"),
    "flower": ("growing", "blooming"),
    "dog": ("standing", "waiting"),
    "cat": ("sitting",),
    "sheep": ("standing", "grazing"),
    "horse": ("standing", "resting"),
    "ball": ("lying",),
    "umbrella": ("standing", "set up"),
    "child": ("waving", "standing", "playing"),
    "woman": ("standing", "waiting"),
    "man": ("standing", "waiting"),
    "snowman": ("standing",),
    "sofa": ("standing",),
    "lamp": ("standing",),
    "boat": ("sailing", "floating"),
    "duck": ("swimming", "floating"),
    "bird": ("flying",),
    "plane": ("flying",),
    "balloon": ("floating", "drifting"),
    "kite": ("flying",),
}
# Where things are, and what the picture as a whole is called.
WHERE: dict[str, tuple[str, ...]] = {
    "beach": (
        "on a beach",
        "on the beach",
        "on a sandy beach",
        "by the sea",
        "at the seaside",
        "beside the ocean",
        "on the seashore",
    ),
    "meadow": ("in a meadow", "in the meadow", "in a grassy meadow", "in a flowery meadow"),
    "street": ("on a street", "in the street", "on a city street", "in the city", "in town"),
    "mountain lake": (
        "by a mountain lake",
        "at a lake in the mountains",
        "by the lake",
        "beside a mountain lake",
        "on the shore of a lake",
    ),
    "snowy field": ("in a snowy field", "in a field of snow", "on snowy ground", "in the snow", "in a winter field"),
    "park": ("in a park", "in the park", "in a city park", "in a public park"),
    "harbour": ("in a harbour", "at the harbour", "in the port", "at the docks", "in a harbour with a lighthouse"),
    "desert": ("in a desert", "in the desert", "among desert dunes", "in a sandy desert"),
    "farm": ("on a farm", "at the farm", "on farmland", "near a barn on a farm"),
    "living room": ("in a living room", "in the living room", "inside a living room", "in the lounge", "indoors"),
}
PLACE_NAMES: dict[str, tuple[str, ...]] = {
    "beach": ("a beach", "a sandy beach", "a beach by the sea", "the seaside"),
    "meadow": ("a meadow", "a grassy meadow"),
    "street": ("a street", "a city street", "a street in town"),
    "mountain lake": ("a mountain lake", "a lake in the mountains", "a lake below mountains"),
    "snowy field": ("a snowy field", "a field of snow", "a winter landscape"),
    "park": ("a park", "a city park", "a park with a path"),
    "harbour": ("a harbour", "a harbour with a lighthouse", "a port"),
    "desert": ("a desert", "a sandy desert", "a desert with dunes"),
    "farm": ("a farm", "a farm with a barn", "farmland"),
    "living room": ("a living room", "a lounge", "a living room with a window"),
}
_ANY_TIME: dict[str, tuple[str, ...]] = {
    "day": ("during the day", "in the daytime", "in daylight", "by day"),
    "sunset": (
        "at sunset",
        "at dusk",
        "in the evening",
        "as the sun goes down",
        "in the evening light",
        "in the twilight",
    ),
    "night": ("at night", "at night", "by night", "after dark", "in the dark"),
}
_OUTDOOR_TIME: dict[tuple[str, str], tuple[str, ...]] = {
    ("day", "clear"): (
        "on a sunny day",
        "in the sunshine",
        "in bright sunlight",
        "on a clear day",
        "under a clear sky",
    ),
    ("day", "cloudy"): ("on a cloudy day", "under a grey sky", "on an overcast day", "in dull weather", "under clouds"),
    ("day", "rain"): ("in the rain", "on a wet day", "on a rainy day", "while it rains", "in rainy weather"),
    ("day", "snow"): ("in falling snow", "on a snowy day", "during a snowfall", "while it snows"),
    ("sunset", "cloudy"): ("on a cloudy evening", "at sunset under clouds", "at dusk under a cloudy sky"),
    ("night", "clear"): ("under the stars", "on a starry night", "in the moonlight", "on a clear night"),
    ("night", "cloudy"): ("on a cloudy night", "at night under clouds"),
    ("night", "rain"): ("on a rainy night", "at night in the rain", "in the rain after dark"),
    ("night", "snow"): ("on a snowy night", "at night in falling snow", "at night while it snows"),
}
POSITION_WORDS: dict[Position, tuple[str, ...]] = {
    "left": ("on the left", "on the left side", "to the left"),
    "middle": ("in the middle", "in the centre"),
    "right": ("on the right", "on the right side", "to the right"),
}
OVERHEAD = ("overhead", "in the air", "up high", "above")
NEAR = ("next to", "beside", "near", "by", "close to", "alongside")
ABOVE, BELOW = ("above", "over", "high above"), ("under", "below", "beneath")


_PEOPLE_SIZE_WORDS: dict[Size, tuple[str, ...]] = {
    "small": ("small", "little"),
    "medium": ("",),
    "big": ("tall",),
}


def thing_phrase(thing: Thing, chance: Chance) -> str:
    """A group as a noun phrase: number, often its size, colour, noun ("two small red balls")."""
    plural = thing.count > 1
    names = NOUNS[thing.kind]
    noun = names[0] if chance.happens(0.6) else chance.pick(names)
    sizes = _PEOPLE_SIZE_WORDS if thing.kind in WEAR else SIZE_WORDS
    size = chance.pick(sizes[thing.size]) if chance.happens(0.5) else ""
    words = [chance.pick(NUMBERS[thing.count]), size, *_coloured(thing, noun[plural], chance)]
    return _with_articles(" ".join(word for word in words if word))


def _coloured(thing: Thing, noun: str, chance: Chance) -> tuple[str, str]:
    """The noun after its colour, or followed by the garment that carries the colour."""
    if thing.kind not in WEAR:
        return thing.colour, noun
    return noun, chance.pick(WEAR[thing.kind])[thing.count > 1].format(thing.colour)


def _with_articles(text: str) -> str:
    """ "an" for "a" before a vowel: every such word here is also spoken with one."""
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def time_phrase(scene: Scene, chance: Chance) -> str:
    """Time of day and weather in one phrase, true of the scene."""
    outdoors = () if scene.place == "living room" else _OUTDOOR_TIME.get((scene.time, scene.weather), ())
    plain = _ANY_TIME[scene.time]
    return chance.pick(outdoors if outdoors and chance.happens(0.6) else plain)
