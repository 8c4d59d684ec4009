"""Chinese captions of a scene: five sentences that word the same facts differently, every one true of the picture.

They are not translations of the English captions: the two languages draw from streams of their own.
"""

from __future__ import annotations

from photoseek_export.demo.scenes.captions import TIME_ODDS, Style, different, has_pair, related_first
from photoseek_export.demo.scenes.chinese.nouns import DOING, PLACE_NAMES, WORDS
from photoseek_export.demo.scenes.chinese.phrases import thing_phrase
from photoseek_export.demo.scenes.chinese.places import aloft, place_name, when, where, where_and_when
from photoseek_export.demo.scenes.chinese.relations import relation
from photoseek_export.demo.scenes.random_source import Chance
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_005
_AT_REST = "停立站坐蹲漂浮放摆"  # verbs that go with 静静地, quietly


def captions(scene: Scene, seed: int) -> list[str]:
    """Five different captions; at least four name every group with its colour and count, and the place."""
    chance = Chance(STREAM, seed)
    texts = different(scene, chance, FULL_STYLES, _short, lambda text, _: text)
    return [text + "。" if chance.happens(0.5) else text for text in texts]


def _listed(scene: Scene, chance: Chance) -> str:
    """沙滩上的A、B和天上的C; A和B在沙滩上，天上有C."""
    standing, flying = _standing(scene, chance), _flying(scene)
    if chance.happens(0.5):
        groups = [*standing, *(f"{aloft(scene, chance)}的{thing_phrase(thing, chance)}" for thing in flying)]
        return f"{_setting(scene, chance)}的{_joined(groups, chance)}"
    return f"{_joined(standing, chance)}在{_setting(scene, chance)}{_above(scene, chance)}"


def _shown(scene: Scene, chance: Chance) -> str:
    """照片里，沙滩上有A、B和C."""
    if chance.happens(0.2):
        return f"{chance.pick(WORDS['seen'])}{_setting(scene, chance)}有{_joined(_groups(scene, chance), chance)}"
    opening = chance.pick(WORDS["openings"]) + chance.pick(("", "，", "，"))
    return f"{opening}{_setting(scene, chance)}{_there_are(scene, chance)}"


def _related(scene: Scene, chance: Chance) -> str:
    """沙滩上，A在B旁边，还有C."""
    first, second, *others = related_first(scene, chance)
    rest = "".join(f"，{chance.pick(('还有', '另外还有'))}{thing_phrase(thing, chance)}" for thing in others)
    return f"{_opening(scene, chance)}，{relation(scene, first, second, chance)}{rest}"


def _placed_first(scene: Scene, chance: Chance) -> str:
    """沙滩上有A、B和C; 傍晚，沙滩上有A和B."""
    if chance.happens(0.4):
        return f"{when(scene, chance)}，{where(scene, chance)}{_there_are(scene, chance)}"
    return f"{chance.pick(('', '', '在'))}{_setting(scene, chance)}{_there_are(scene, chance)}"


def _named(scene: Scene, chance: Chance) -> str:
    """傍晚的沙滩，有A和B; 有A和B的沙滩."""
    listed = _joined(_groups(scene, chance), chance)
    if chance.happens(0.25):
        name = chance.pick([name for name in PLACE_NAMES[scene.place] if "的" not in name and name[0] != "一"])
        return f"{_moment(scene, chance)}有{listed}的{name}"
    link = chance.pick(("，有", "，有", "，", "：", "，可以看到"))
    return f"{place_name(scene, chance, TIME_ODDS)}{link}{listed}"


def _positioned(scene: Scene, chance: Chance) -> str:
    """沙滩上，左边是A，右边是B; 左边是A，右边是B，背景是沙滩."""
    if has_pair(scene):
        return _related(scene, chance)
    form = chance.pick(("{spot}是{group}", "{spot}有{group}", "{group}在{spot}"))
    clauses = [
        form.format(spot=_spot(scene, thing, chance), group=thing_phrase(thing, chance))
        for thing in chance.shuffled(scene.things)
    ]
    if chance.happens(0.25):
        return f"{'，'.join(clauses)}，背景是{place_name(scene, chance, TIME_ODDS)}"
    return f"{_opening(scene, chance)}，{'，'.join(clauses)}"


def _active(scene: Scene, chance: Chance) -> str:
    """A站在沙滩上，天上飞着B; 沙滩上停着A，附近有B."""
    first, *others = sorted(chance.shuffled(scene.things), key=lambda thing: thing.layer == "sky")
    group, verb = thing_phrase(first, chance), chance.pick(DOING[first.kind])
    links = chance.shuffled(("附近有", "还有", "另外还有"))
    rest = "".join(f"，{_aside(scene, thing, link, chance)}" for thing, link in zip(others, links, strict=False))
    if chance.happens(0.5):
        return f"{_setting(scene, chance)}{verb}着{_counted(group, chance)}{rest}"
    manner = chance.pick(("", "", "静静地")) if verb in _AT_REST else ""
    return f"{group}{manner}{verb}在{_setting(scene, chance)}{rest}"


def _short(scene: Scene, chance: Chance) -> str:
    """Two groups and how they stand, without the place."""
    first, second, *_ = related_first(scene, chance)
    return _moment(scene, chance) + relation(scene, first, second, chance)


FULL_STYLES: tuple[Style, ...] = (_listed, _shown, _related, _placed_first, _named, _positioned, _active)


def _there_are(scene: Scene, chance: Chance) -> str:
    """有A、B和C; 有A和B，天上飞着C."""
    above = _above(scene, chance) if chance.happens(0.6) else ""
    listed = _joined(_standing(scene, chance) if above else _groups(scene, chance), chance)
    there_is = chance.pick(("有", "有", "有", "可以看到", "能看见"))
    return there_is + (_counted(listed, chance) if there_is == "有" else listed) + above


def _above(scene: Scene, chance: Chance) -> str:
    """Clauses for the groups that fly, or nothing."""
    return "".join(f"，{_aside(scene, thing, '', chance)}" for thing in _flying(scene))


def _groups(scene: Scene, chance: Chance) -> list[str]:
    return [thing_phrase(thing, chance) for thing in chance.shuffled(scene.things)]


def _standing(scene: Scene, chance: Chance) -> list[str]:
    return [thing_phrase(thing, chance) for thing in chance.shuffled(scene.things) if thing.layer != "sky"]


def _flying(scene: Scene) -> list[Thing]:
    return [thing for thing in scene.things if thing.layer == "sky"]


def _spot(scene: Scene, thing: Thing, chance: Chance) -> str:
    in_sky = thing.layer == "sky" and chance.happens(0.5)
    return aloft(scene, chance) if in_sky else str(chance.pick(WORDS["positions"][thing.position]))


def _aside(scene: Scene, thing: Thing, link: str, chance: Chance) -> str:
    """A clause for a group of less weight in the sentence; `link` brings in one that stands on the ground."""
    group, verb, sky = thing_phrase(thing, chance), chance.pick(DOING[thing.kind]), aloft(scene, chance)
    if thing.layer == "sky":
        return chance.pick((f"{sky}{verb}着{group}", f"{sky}有{group}", f"{group}{verb}在{sky}"))
    if thing.layer == "water":
        return f"{chance.pick(('水面上', '水上'))}{chance.pick((verb + '着', '有'))}{group}"
    return link + group


def _setting(scene: Scene, chance: Chance) -> str:
    return where_and_when(scene, chance, TIME_ODDS)


def _opening(scene: Scene, chance: Chance) -> str:
    """Where and when, as the head of a sentence: "夜里，街上"."""
    if chance.happens(0.5):
        return _setting(scene, chance)
    return f"{when(scene, chance)}{chance.pick(('在', '，在', '，'))}{where(scene, chance)}"


def _moment(scene: Scene, chance: Chance) -> str:
    return f"{when(scene, chance)}，" if chance.happens(TIME_ODDS) else ""


def _counted(listed: str, chance: Chance) -> str:
    """After 有 and 着, 一 may be left out: 有只猫."""
    return listed.removeprefix("一") if chance.happens(0.2) else listed


def _joined(phrases: list[str], chance: Chance) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{'、'.join(phrases[:-1])}{chance.pick(('和', '和', '与', '以及'))}{phrases[-1]}"
