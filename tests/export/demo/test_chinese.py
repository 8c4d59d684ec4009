"""Chinese texts of scenes are true of the scene and idiomatic; parsed with independent tables in this file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from statistics import mean

import pytest

from photoseek.gallery.snapshot.sample_queries import demo_queries
from photoseek_export.demo.pictures import QUERY_SEEDS, demo_seeds
from photoseek_export.demo.scenes.chinese_phrases import NOUNS
from photoseek_export.demo.scenes.scenes import Scene, Thing, captions, compose, queries
from photoseek_export.demo.scenes.world import KINDS

SAMPLE = range(1_000_000, 1_000_400)
NUMBERS = {"一": 1, "两": 2, "三": 3, "四": 4}
NAMES = {
    "car": "汽车 轿车 车", "bus": "公共汽车 公交车 巴士", "train": "火车 列车 蒸汽火车", "bicycle": "自行车 单车",
    "house": "房子 房屋", "tent": "帐篷 露营帐篷", "tree": "树", "flower": "花 鲜花 花儿", "dog": "狗 狗狗 犬",
    "cat": "猫 猫咪", "sheep": "羊 绵羊", "horse": "马 马儿", "ball": "球 皮球 玩具球",
    "umbrella": "伞 雨伞 阳伞 遮阳伞",
    "child": "孩子 小孩 小朋友 儿童", "woman": "女人 女士 女子", "man": "男人 男士 男子", "snowman": "雪人",
    "sofa": "沙发 双人沙发", "lamp": "灯 落地灯 立灯", "boat": "船 帆船", "duck": "鸭 鸭子", "bird": "鸟 鸟儿",
    "plane": "飞机", "balloon": "气球", "kite": "风筝",
}  # fmt: skip
KIND_OF = {name: kind for kind, names in NAMES.items() for name in names.split()}
# The measure words of each noun, from a dictionary.
MEASURES = {
    "辆": "car bus bicycle", "列": "train", "座": "house", "栋": "house", "幢": "house", "顶": "tent", "棵": "tree",
    "朵": "flower", "枝": "flower", "只": "dog cat sheep duck bird kite balloon boat", "条": "dog boat", "头": "sheep",
    "匹": "horse", "个": "ball child woman man snowman balloon kite tent sofa lamp", "把": "umbrella", "艘": "boat",
    "名": "child woman man", "位": "child woman man", "张": "sofa", "盏": "lamp", "架": "plane",
}  # fmt: skip
COLORS = {
    "粉红": "pink", "红": "red", "橙": "orange", "橘": "orange", "黄": "yellow", "绿": "green", "蓝": "blue",
    "紫": "purple", "粉": "pink", "棕": "brown", "褐": "brown", "咖啡": "brown", "黑": "black", "白": "white",
}  # fmt: skip
PLACE_WORDS = {
    "beach": "沙滩|海滩|海边|海岸", "meadow": "草地|草原|青草", "street": "街|马路", "mountain lake": "湖",
    "snowy field": "雪地|雪原|田野", "park": "公园", "harbour": "港|码头", "desert": "沙漠|沙丘|荒漠", "farm": "农",
    "living room": "客厅|室|屋里",
}  # fmt: skip
TIME_WORDS = {
    "day": "白天|白日|晴天|阳光|晴空|阴天|雨天|下雪天|阴沉的天|灰蒙蒙|晴朗的天",
    "sunset": "傍晚|黄昏|日落|夕阳|太阳下山|暮色|晚霞",
    "night": "夜|晚上|天黑|星|月",
}  # fmt: skip
WEATHER_WORDS = {
    "clear": "晴|阳光|月光|星|晚霞", "cloudy": "云|阴|灰蒙蒙", "rain": "雨(?!伞)", "snow": "下雪|飘雪|飞雪|雪花|雪夜",
}  # fmt: skip
_COLOR = "|".join(COLORS)
_NOUN = "|".join(sorted(KIND_OF, key=len, reverse=True))
GROUP = re.compile(
    rf"(?:(?P<number>[一两三四])|(?<=[有着]))(?P<measure>[{''.join(MEASURES)}])"
    rf"(?P<between>[^，。：、]*?(?P<color>{_COLOR})[^，。：、]*?)(?P<noun>{_NOUN})(?!路)"
)
ORDER = ["left", "middle", "right"]


def groups_in(text: str) -> list[tuple[str, str, int]]:
    """Return kind, color and count of each group that a caption names."""
    return [(KIND_OF[m["noun"]], COLORS[m["color"]], NUMBERS[m["number"] or "一"]) for m in GROUP.finditer(text)]


def facts(thing: Thing) -> tuple[str, str, int]:
    return (thing.kind, thing.color, thing.count)


@cache
def sampled() -> list[tuple[Scene, str]]:
    return [(scene, text) for seed in SAMPLE for scene in [compose(seed)] for text in captions(scene, seed, "zh")]


@cache
def sampled_queries() -> list[tuple[Scene, list[str]]]:
    return [(compose(seed), queries(compose(seed), seed, "zh")) for seed in SAMPLE]


def without_settings(text: str) -> str:
    """Return a text without words of place and time that contain a character of a thing or a color."""
    return re.sub("开满小花|雪花|黄昏|白天|白日|天黑|马路|灯塔", "", text)


def matching(table: dict[str, str], text: str) -> set[str]:
    return {name for name, words in table.items() if re.search(words, text)}


def test_every_group_a_caption_names_is_in_the_scene() -> None:
    for scene, text in sampled():
        named = groups_in(text)
        assert set(named) <= {facts(thing) for thing in scene.things}, text
        assert len(named) == len(re.findall(_COLOR, without_settings(text))), text


def test_at_least_four_captions_name_every_group_and_the_place() -> None:
    for seed in SAMPLE:
        scene, texts = compose(seed), captions(compose(seed), seed, "zh")
        everything = {facts(thing) for thing in scene.things}
        full = [t for t in texts if set(groups_in(t)) == everything and re.search(PLACE_WORDS[scene.place], t)]
        assert len(full) >= 4, texts


def test_five_captions_differ_by_more_than_a_full_stop() -> None:
    assert all(len({text.rstrip("。") for text in captions(compose(seed), seed, "zh")}) == 5 for seed in SAMPLE)


def test_no_text_names_another_place_time_or_weather() -> None:
    for scene, texts in [*((scene, [text]) for scene, text in sampled()), *sampled_queries()]:
        for text in texts:
            assert matching(PLACE_WORDS, text) <= {scene.place}, text
            assert matching(TIME_WORDS, text) <= {scene.time}, text
            assert matching(WEATHER_WORDS, text) <= {scene.weather}, text


def test_a_measure_word_fits_its_noun() -> None:
    for _, text in sampled():
        for match in GROUP.finditer(text):
            assert KIND_OF[match["noun"]] in MEASURES[match["measure"]].split(), text


def test_every_noun_is_in_the_dictionary_and_counted_by_it() -> None:
    assert set(NOUNS) == set(KINDS)
    for kind, nouns in NOUNS.items():
        for noun in nouns:
            assert KIND_OF[noun.name] == kind
            assert all(kind in MEASURES[measure].split() for measure in noun.measures)


def test_texts_contain_only_chinese() -> None:
    for scene, text in sampled():
        assert re.fullmatch("[\u4e00-\u9fff，：、]+。?", text), text
        assert not re.search("的的|着着|有有|在在|[，：、]{2}|^[，的]|一[两三四]", text), text
        assert text.count("，") <= 4, text
        assert "天上" not in text or scene.place != "living room", text
    for _, texts in sampled_queries():
        assert all(re.fullmatch("[\u4e00-\u9fff]+(?: [\u4e00-\u9fff]+)*", text) for text in texts), texts
        assert not any("的的" in text for text in texts), texts


def test_a_size_is_never_that_of_another_group() -> None:
    for scene, text in sampled():
        sizes = {facts(thing): thing.size for thing in scene.things}
        for match in GROUP.finditer(text):
            size = sizes[groups_in(match[0])[0] if match["number"] else groups_in(f"有{match[0]}")[0]]
            between = match["between"]
            assert not re.search("小|矮", between) or size == "small", text
            assert not re.search("大|高", between) or size == "big", text


RELATIONS: dict[str, Callable[[Thing, Thing], bool]] = {
    "左[边侧面]": lambda a, b: ORDER.index(a.position) < ORDER.index(b.position),
    "右[边侧面]": lambda a, b: ORDER.index(a.position) > ORDER.index(b.position),
    "前[面方边]": lambda a, b: (a.layer, b.layer, a.position) == ("front", "back", b.position),
    "后[面方]|背后": lambda a, b: (a.layer, b.layer, a.position) == ("back", "front", b.position),
    "上方|上空": lambda a, b: a.layer == "sky" and a.position == b.position,
    "下方|下面": lambda a, b: b.layer == "sky" and a.position == b.position,
}


@pytest.mark.parametrize("words", RELATIONS)
def test_a_relation_in_a_caption_holds_in_the_scene(words: str) -> None:
    """Either 甲在乙左边, or 乙左边有甲."""
    plain, inverted = 0, 0
    for scene, text in sampled():
        by_facts = {facts(thing): thing for thing in scene.things}
        for clause in text.split("，"):
            if len(found := groups_in(clause)) != 2:
                continue
            first, second = (by_facts[group] for group in found)
            if re.search(rf"(?:在|[停立站坐蹲漂浮放摆飞飘搭支撑堆长开]在).*的?(?:{words})。?$", clause):
                assert RELATIONS[words](first, second), text
                plain += 1
            elif re.search(rf"(?<!画面)(?:{words})(?:有|是|.着)", clause):
                assert RELATIONS[words](second, first), text
                inverted += 1
    assert plain > 5
    assert inverted > 5 or words == "下方|下面"


def test_a_position_in_a_caption_is_that_of_the_scene() -> None:
    spots = {"左": "left", "右": "right", "中": "middle", "正": "middle"}
    checked = 0
    for scene, text in sampled():
        positions = {facts(thing): thing.position for thing in scene.things}
        for clause in text.rstrip("。").split("，"):
            found = groups_in(clause)
            spot = re.search(
                r"^(?:画面)?([左右中正])[边侧面间央中]间?[是有]|在(?:画面)?([左右中正])[边侧面间央中]间?$", clause
            )
            if len(found) == 1 and spot is not None:
                assert spots[spot[1] or spot[2]] == positions[found[0]], text
                checked += 1
    assert checked > 200


def test_a_query_names_only_objects_of_the_scene_as_many_as_its_type_says() -> None:
    for scene, texts in sampled_queries():
        named = [re.findall(_NOUN, without_settings(text)) for text in texts]
        assert [len(nouns) for nouns in named] == [1, 1, 2, 0], texts
        assert {KIND_OF[noun] for nouns in named for noun in nouns} <= {thing.kind for thing in scene.things}
        for text in texts:
            colors = {COLORS[word] for word in re.findall(_COLOR, without_settings(text))}
            assert colors <= {thing.color for thing in scene.things}, text
        assert not re.search(_COLOR, without_settings(texts[1])), texts


def test_queries_are_shorter_than_captions() -> None:
    assert mean(len(text) for _, texts in sampled_queries() for text in texts) < 0.6 * mean(
        len(text) for _, text in sampled()
    )


def test_the_sentences_are_varied_in_few_characters() -> None:
    texts = [text for _, text in sampled()]
    assert len(set(texts)) >= 0.99 * len(texts)
    assert 200 <= len(set("".join(texts))) <= 400
    assert len({re.sub(GROUP, "甲", text) for text in texts}) >= 0.3 * len(texts)


def test_texts_of_a_seed_never_change() -> None:
    texts = [text for seed in (0, 7, 2_000_000) for text in captions(compose(seed), seed, "zh")]
    texts += [text for seed in (0, 7, 2_000_000) for text in queries(compose(seed), seed, "zh")]
    assert (
        hashlib.sha256("\n".join(texts).encode()).hexdigest()
        == "9c58254c3d203adc00601479f731d488effe9452f26eb8b1492ee66f5e253459"
    )


def test_the_chinese_demo_queries_describe_the_scenes_of_the_english_ones() -> None:
    assert len(demo_queries("en")) == len(QUERY_SEEDS)
    drawn = set(demo_seeds())
    for text, seeds in zip(demo_queries("zh"), QUERY_SEEDS, strict=True):
        wanted = [KIND_OF[noun] for noun in re.findall(_NOUN, text)]
        assert len(set(seeds) & drawn) == 5
        for scene in map(compose, seeds):
            assert set(wanted) <= {thing.kind for thing in scene.things}
            assert matching(TIME_WORDS, text) <= {scene.time}
            colored = re.search(f"({_COLOR})[色的]*({_NOUN})", text)
            if colored is not None:
                pair = (KIND_OF[colored[2]], COLORS[colored[1]])
                assert pair in {(thing.kind, thing.color) for thing in scene.things}
