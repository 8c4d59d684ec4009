"""Chinese captions of a scene: five sentences that state the same facts, each true of the image.

They are not translations: each language uses another random stream.
"""

from __future__ import annotations

from photoseek_export.demo.scenes.captions import TIME_ODDS, Style, different, has_pair, related_first
from photoseek_export.demo.scenes.chinese.nouns import DOING, PLACE_NAMES, WORDS
from photoseek_export.demo.scenes.chinese.phrases import thing_phrase
from photoseek_export.demo.scenes.chinese.places import aloft, place_name, when, where, where_and_when
from photoseek_export.demo.scenes.chinese.relations import relation
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.world import Scene, Thing

STREAM = 7_005
_AT_REST = "停立站坐蹲漂浮放摆"  # verbs that combine with 静静地, quietly


def captions(scene: Scene, seed: int) -> list[str]:
    """Return five different captions; at least four name every group with its color and count, and the place."""
    rng = SeededRandom(STREAM, seed)
    texts = different(scene, rng, FULL_STYLES, _short, lambda text, _: text)
    return [text + "。" if rng.bernoulli(0.5) else text for text in texts]


def _listed(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 沙滩上的A、B和天上的C; A和B在沙滩上，天上有C."""
    standing, flying = _standing(scene, rng), _flying(scene)
    if rng.bernoulli(0.5):
        groups = [*standing, *(f"{aloft(scene, rng)}的{thing_phrase(thing, rng)}" for thing in flying)]
        return f"{_setting(scene, rng)}的{_joined(groups, rng)}"
    return f"{_joined(standing, rng)}在{_setting(scene, rng)}{_above(scene, rng)}"


def _shown(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 照片里，沙滩上有A、B和C."""
    if rng.bernoulli(0.2):
        return f"{rng.pick(WORDS['seen'])}{_setting(scene, rng)}有{_joined(_groups(scene, rng), rng)}"
    opening = rng.pick(WORDS["openings"]) + rng.pick(("", "，", "，"))
    return f"{opening}{_setting(scene, rng)}{_there_are(scene, rng)}"


def _related(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 沙滩上，A在B旁边，还有C."""
    first, second, *others = related_first(scene, rng)
    rest = "".join(f"，{rng.pick(('还有', '另外还有'))}{thing_phrase(thing, rng)}" for thing in others)
    return f"{_opening(scene, rng)}，{relation(scene, first, second, rng)}{rest}"


def _placed_first(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 沙滩上有A、B和C; 傍晚，沙滩上有A和B."""
    if rng.bernoulli(0.4):
        return f"{when(scene, rng)}，{where(scene, rng)}{_there_are(scene, rng)}"
    return f"{rng.pick(('', '', '在'))}{_setting(scene, rng)}{_there_are(scene, rng)}"


def _named(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 傍晚的沙滩，有A和B; 有A和B的沙滩."""
    listed = _joined(_groups(scene, rng), rng)
    if rng.bernoulli(0.25):
        name = rng.pick([name for name in PLACE_NAMES[scene.place] if "的" not in name and name[0] != "一"])
        return f"{_moment(scene, rng)}有{listed}的{name}"
    link = rng.pick(("，有", "，有", "，", "：", "，可以看到"))
    return f"{place_name(scene, rng, TIME_ODDS)}{link}{listed}"


def _positioned(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 沙滩上，左边是A，右边是B; 左边是A，右边是B，背景是沙滩."""
    if has_pair(scene):
        return _related(scene, rng)
    form = rng.pick(("{spot}是{group}", "{spot}有{group}", "{group}在{spot}"))
    clauses = [
        form.format(spot=_spot(scene, thing, rng), group=thing_phrase(thing, rng))
        for thing in rng.shuffled(scene.things)
    ]
    if rng.bernoulli(0.25):
        return f"{'，'.join(clauses)}，背景是{place_name(scene, rng, TIME_ODDS)}"
    return f"{_opening(scene, rng)}，{'，'.join(clauses)}"


def _active(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: A站在沙滩上，天上飞着B; 沙滩上停着A，附近有B."""
    first, *others = sorted(rng.shuffled(scene.things), key=lambda thing: thing.layer == "sky")
    group, verb = thing_phrase(first, rng), rng.pick(DOING[first.kind])
    links = rng.shuffled(("附近有", "还有", "另外还有"))
    rest = "".join(f"，{_aside(scene, thing, link, rng)}" for thing, link in zip(others, links, strict=False))
    if rng.bernoulli(0.5):
        return f"{_setting(scene, rng)}{verb}着{_counted(group, rng)}{rest}"
    manner = rng.pick(("", "", "静静地")) if verb in _AT_REST else ""
    return f"{group}{manner}{verb}在{_setting(scene, rng)}{rest}"


def _short(scene: Scene, rng: SeededRandom) -> str:
    """Return two groups and their relation, without the place."""
    first, second, *_ = related_first(scene, rng)
    return _moment(scene, rng) + relation(scene, first, second, rng)


FULL_STYLES: tuple[Style, ...] = (_listed, _shown, _related, _placed_first, _named, _positioned, _active)


def _there_are(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 有A、B和C; 有A和B，天上飞着C."""
    above = _above(scene, rng) if rng.bernoulli(0.6) else ""
    listed = _joined(_standing(scene, rng) if above else _groups(scene, rng), rng)
    there_is = rng.pick(("有", "有", "有", "可以看到", "能看见"))
    return there_is + (_counted(listed, rng) if there_is == "有" else listed) + above


def _above(scene: Scene, rng: SeededRandom) -> str:
    """Return clauses for the groups that fly, or nothing."""
    return "".join(f"，{_aside(scene, thing, '', rng)}" for thing in _flying(scene))


def _groups(scene: Scene, rng: SeededRandom) -> list[str]:
    return [thing_phrase(thing, rng) for thing in rng.shuffled(scene.things)]


def _standing(scene: Scene, rng: SeededRandom) -> list[str]:
    return [thing_phrase(thing, rng) for thing in rng.shuffled(scene.things) if thing.layer != "sky"]


def _flying(scene: Scene) -> list[Thing]:
    return [thing for thing in scene.things if thing.layer == "sky"]


def _spot(scene: Scene, thing: Thing, rng: SeededRandom) -> str:
    in_sky = thing.layer == "sky" and rng.bernoulli(0.5)
    return aloft(scene, rng) if in_sky else str(rng.pick(WORDS["positions"][thing.position]))


def _aside(scene: Scene, thing: Thing, link: str, rng: SeededRandom) -> str:
    """Return a clause for a secondary group; `link` introduces one on the ground."""
    group, verb, sky = thing_phrase(thing, rng), rng.pick(DOING[thing.kind]), aloft(scene, rng)
    if thing.layer == "sky":
        return rng.pick((f"{sky}{verb}着{group}", f"{sky}有{group}", f"{group}{verb}在{sky}"))
    if thing.layer == "water":
        return f"{rng.pick(('水面上', '水上'))}{rng.pick((verb + '着', '有'))}{group}"
    return link + group


def _setting(scene: Scene, rng: SeededRandom) -> str:
    return where_and_when(scene, rng, TIME_ODDS)


def _opening(scene: Scene, rng: SeededRandom) -> str:
    """Return where and when, as the head of a sentence: "夜里，街上"."""
    if rng.bernoulli(0.5):
        return _setting(scene, rng)
    return f"{when(scene, rng)}{rng.pick(('在', '，在', '，'))}{where(scene, rng)}"


def _moment(scene: Scene, rng: SeededRandom) -> str:
    return f"{when(scene, rng)}，" if rng.bernoulli(TIME_ODDS) else ""


def _counted(listed: str, rng: SeededRandom) -> str:
    """Return a list of groups after 有 or 着, where 一 may be omitted: 有只猫."""
    return listed.removeprefix("一") if rng.bernoulli(0.2) else listed


def _joined(phrases: list[str], rng: SeededRandom) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{'、'.join(phrases[:-1])}{rng.pick(('和', '和', '与', '以及'))}{phrases[-1]}"
