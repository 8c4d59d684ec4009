"""Chinese captions and queries of a scene, each true of the image, as a native speaker would phrase them.

They are not translations: each language uses another random stream.
"""

from __future__ import annotations

from photoseek_export.demo.scenes.chinese_phrases import (
    DOING,
    PLACE_NAMES,
    WORDS,
    aloft,
    kind_phrase,
    place_name,
    thing_phrase,
    unnumbered_phrase,
    when,
    where,
    where_and_when,
)
from photoseek_export.demo.scenes.random_source import SeededRandom
from photoseek_export.demo.scenes.wording import TIME_ODDS, Style, adjacent, different, has_pair, related_first, side
from photoseek_export.demo.scenes.world import Scene, Thing

CAPTION_STREAM, QUERY_STREAM = 7_005, 7_006
_LINKS = ("{}和{}", "{}与{}", "{}还有{}", "{}和{}")
_NEXT_TO = ("{}旁边的{}", "{}在{}旁边")
_AT_REST = "停立站坐蹲漂浮放摆"  # verbs that combine with 静静地, quietly


def captions(scene: Scene, seed: int) -> list[str]:
    """Return five different captions; at least four name every group with its color and count, and the place."""
    rng = SeededRandom(CAPTION_STREAM, seed)
    texts = different(scene, rng, FULL_STYLES, _short, lambda text, _: text)
    return [text + "。" if rng.bernoulli(0.5) else text for text in texts]


def _listed(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 沙滩上的A、B和天上的C; A和B在沙滩上，天上有C."""
    lower, flying = _not_flying(scene, rng), _flying(scene)
    if rng.bernoulli(0.5):
        groups = [*lower, *(f"{aloft(scene, rng)}的{thing_phrase(thing, rng)}" for thing in flying)]
        return f"{_setting(scene, rng)}的{_joined(groups, rng)}"
    return f"{_joined(lower, rng)}在{_setting(scene, rng)}{_above(scene, rng)}"


def _pictured(scene: Scene, rng: SeededRandom) -> str:
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


FULL_STYLES: tuple[Style, ...] = (_listed, _pictured, _related, _placed_first, _named, _positioned, _active)


def _there_are(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 有A、B和C; 有A和B，天上飞着C."""
    above = _above(scene, rng) if rng.bernoulli(0.6) else ""
    listed = _joined(_not_flying(scene, rng) if above else _groups(scene, rng), rng)
    there_is = rng.pick(("有", "有", "有", "可以看到", "能看见"))
    return there_is + (_counted(listed, rng) if there_is == "有" else listed) + above


def _above(scene: Scene, rng: SeededRandom) -> str:
    """Return clauses for the groups that fly, or nothing."""
    return "".join(f"，{_aside(scene, thing, '', rng)}" for thing in _flying(scene))


def _groups(scene: Scene, rng: SeededRandom) -> list[str]:
    return [thing_phrase(thing, rng) for thing in rng.shuffled(scene.things)]


def _not_flying(scene: Scene, rng: SeededRandom) -> list[str]:
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


def relation(scene: Scene, first: Thing, second: Thing, rng: SeededRandom) -> str:
    """Return both groups, joined by a relation that is true of the image."""
    if "sky" in (first.layer, second.layer):
        return _raised(scene, first, second, rng)
    if {first.layer, second.layer} == {"front", "back"}:
        return _located(first, second, rng.pick(WORDS["front" if first.layer == "front" else "behind"]), rng)
    if rng.bernoulli(0.4) or not adjacent(scene, first, second):
        return _located(first, second, rng.pick(WORDS["sides"][side(first, second)]), rng)
    return _near(first, second, rng)


def _located(thing: Thing, other: Thing, where: str, rng: SeededRandom) -> str:
    """Return that `thing` is at a side of the other: "A在B左边", "B的左边是A", "B左边停着A"."""
    a, b = thing_phrase(thing, rng), thing_phrase(other, rng)
    verb, link = rng.pick(DOING[thing.kind]), rng.pick(("", "的"))
    there = f"{b}{link}{where}{rng.pick(('有', '是'))}{a}"
    return rng.pick((f"{a}在{b}{link}{where}", f"{a}{verb}在{b}{where}", there, f"{b}{where}{verb}着{a}"))


def _near(first: Thing, second: Thing, rng: SeededRandom) -> str:
    if rng.bernoulli(0.7):
        return _located(first, second, rng.pick(WORDS["near"]), rng)
    a, b = thing_phrase(first, rng), thing_phrase(second, rng)
    return rng.pick((f"{a}紧挨着{b}", f"{a}靠近{b}", f"{a}和{b}挨在一起", f"{a}和旁边的{b}"))


def _raised(scene: Scene, first: Thing, second: Thing, rng: SeededRandom) -> str:
    """Return one group as above the other if they share a position, else as high up."""
    flying, lower = (first, second) if first.layer == "sky" else (second, first)
    if first.position == second.position:
        if first is flying:
            return _located(flying, lower, rng.pick(WORDS["above"]), rng)
        return f"{thing_phrase(lower, rng)}在{thing_phrase(flying, rng)}{rng.pick(WORDS['below'])}"
    a, b = thing_phrase(lower, rng), thing_phrase(flying, rng)
    sky, verb = aloft(scene, rng), rng.pick(DOING[flying.kind])
    return rng.pick((f"{a}和{sky}的{b}", f"{a}，{sky}{verb}着{b}", f"{sky}{verb}着{b}，还有{a}"))


def queries(scene: Scene, seed: int) -> list[str]:
    """Return four phrases, one of each type: one group, its kind alone, two groups, the place."""
    rng = SeededRandom(QUERY_STREAM, seed)
    return [style(scene, rng) for style in (_one_group, _one_kind, _two_groups, _place)]


def _one_group(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 夜里的红色汽车."""
    return _set(_group(rng.pick(scene.things), rng), scene, rng, 0.4)


def _one_kind(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 客厅里的猫."""
    return _set(kind_phrase(rng.pick(scene.things), rng), scene, rng, 0.7)


def _two_groups(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 公园里的汽车和棕色的狗."""
    first, second = rng.shuffled(scene.things)[:2]
    described = [_group(thing, rng) if rng.bernoulli(0.6) else kind_phrase(thing, rng) for thing in (first, second)]
    adjoining = "sky" not in (first.layer, second.layer) and len(scene.things) == 2
    link = rng.pick(_NEXT_TO if adjoining and rng.bernoulli(0.3) else _LINKS)
    return _set(link.format(*described), scene, rng, 0.4)


def _place(scene: Scene, rng: SeededRandom) -> str:
    """Return a text like: 傍晚的沙滩."""
    return place_name(scene, rng, 1.0)


def _group(thing: Thing, rng: SeededRandom) -> str:
    """Return a group with its number, or without as in typical queries: 黑色的猫."""
    return thing_phrase(thing, rng) if rng.bernoulli(0.5) else unnumbered_phrase(thing, rng)


def _set(what: str, scene: Scene, rng: SeededRandom, odds: float) -> str:
    """Return a phrase with the place, the time, both or nothing before it, or sometimes after it as keywords."""
    placed, timed = rng.bernoulli(odds), rng.bernoulli(odds)
    if rng.bernoulli(0.15):
        keywords = [phrase(scene, rng) for phrase, used in ((where, placed), (when, timed)) if used]
        return " ".join([what, *keywords])
    if placed:
        return f"{where_and_when(scene, rng, float(timed))}的{what}"
    return f"{when(scene, rng)}的{what}" if timed else what
