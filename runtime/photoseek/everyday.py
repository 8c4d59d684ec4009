"""Queries as people type them, to measure with: how long an answer takes, how well neighbours are found."""

from __future__ import annotations

from collections.abc import Sequence

EVERYDAY = {
    "en": (
        "a dog running on the beach",
        "children playing in the snow",
        "birthday cake with candles",
        "red car",
        "sunset over the sea",
        "two people hiking in the mountains",
        "a cat asleep on a sofa",
        "wedding",
        "people dancing at a concert at night",
        "a man in a blue shirt riding a bicycle down a street",
        "food on a table",
        "waterfall in a forest",
        "a baby smiling at the camera",
        "football players on a field",
        "old church",
        "a woman reading a book under a tree",
        "boats in a harbour",
        "black and white portrait",
        "skyscrapers reflected in water",
        "a horse jumping over a fence",
        "flowers in a garden",
        "a group of friends sitting around a camp fire",
        "train station",
        "a girl in a yellow dress blowing soap bubbles",
    ),
    "zh": (
        "在海滩上奔跑的狗",
        "孩子们在雪地里玩耍",
        "点着蜡烛的生日蛋糕",
        "红色的汽车",
        "海上的日落",
        "两个人在山里徒步",
        "睡在沙发上的猫",
        "婚礼",
        "穿蓝色衬衫的男人骑着自行车",
        "桌子上的食物",
        "森林里的瀑布",
        "对着镜头微笑的婴儿",
        "花园里的花",
        "港口里的船",
        "跳过栏杆的马",
        "一群朋友围坐在篝火旁",
    ),
}
"""By ISO 639-1 code."""


def everyday_queries(languages: Sequence[str]) -> list[str]:
    """Those of the given languages; of English where there are none in them."""
    return [text for language in languages for text in EVERYDAY.get(language, ())] or list(EVERYDAY["en"])
