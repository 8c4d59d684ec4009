"""Chinese words for things: nouns with their measure words, colours, sizes, and what people wear."""

from __future__ import annotations

from dataclasses import dataclass

from photoseek.demo.world import Size


@dataclass(frozen=True)
class Noun:
    """A name of a kind of thing.

    Attributes:
        name: The noun itself.
        measures: Measure words it is counted with.
        short: Colours it takes as a single character right before it (红 in 红汽车, where 红色的汽车 is said as
            well). Not every pair is idiomatic: 红灯 is a traffic light.
    """

    name: str
    measures: tuple[str, ...]
    short: str = ""


_PAINT = "红黄绿蓝紫粉黑白"

# The first noun is the common name, the others stand in for it now and then.
NOUNS: dict[str, tuple[Noun, ...]] = {
    "car": (Noun("汽车", ("辆",), _PAINT), Noun("轿车", ("辆",), _PAINT), Noun("车", ("辆",), _PAINT)),
    "bus": (Noun("公共汽车", ("辆",)), Noun("公交车", ("辆",), "红黄绿蓝"), Noun("巴士", ("辆",), "红黄绿蓝")),
    "train": (Noun("火车", ("列",), "红绿蓝黑"), Noun("列车", ("列",)), Noun("蒸汽火车", ("列",))),
    "bicycle": (Noun("自行车", ("辆",), "红黄绿蓝紫粉"), Noun("单车", ("辆",), "红黄绿蓝")),
    "house": (Noun("房子", ("座", "栋", "幢"), "红黄绿蓝粉白"), Noun("房屋", ("座", "栋"))),
    "tent": (Noun("帐篷", ("顶", "顶", "个"), "红黄绿蓝紫"), Noun("露营帐篷", ("顶",))),
    "tree": (Noun("树", ("棵",), "绿红"),),
    "flower": (Noun("花", ("朵", "朵", "枝"), "红黄蓝紫粉白"), Noun("鲜花", ("朵",)), Noun("花儿", ("朵",), "红")),
    "dog": (Noun("狗", ("只", "只", "条"), "黑白棕"), Noun("狗狗", ("只",), "黑白"), Noun("犬", ("只", "条"), "黑白")),
    "cat": (Noun("猫", ("只",), "黑白橘棕"), Noun("猫咪", ("只",), "黑白")),
    "sheep": (Noun("羊", ("只", "头"), "黑白"), Noun("绵羊", ("只", "头"), "黑白")),
    "horse": (Noun("马", ("匹",), "黑白棕"), Noun("马儿", ("匹",))),
    "ball": (Noun("球", ("个",), "红黄绿蓝紫"), Noun("皮球", ("个",), "红黄绿蓝紫"), Noun("玩具球", ("个",))),
    "umbrella": (
        Noun("伞", ("把",), "红黄绿蓝紫白"),
        Noun("雨伞", ("把",), "红黄绿蓝紫白"),
        Noun("阳伞", ("把",), "红黄绿蓝白"),
        Noun("遮阳伞", ("把",)),
    ),
    "child": (
        Noun("孩子", ("个", "名")),
        Noun("小孩", ("个",)),
        Noun("小朋友", ("个", "位")),
        Noun("儿童", ("名", "个")),
    ),
    "woman": (Noun("女人", ("个",)), Noun("女士", ("位",)), Noun("女子", ("名", "位", "个"))),
    "man": (Noun("男人", ("个",)), Noun("男士", ("位",)), Noun("男子", ("名", "个"))),
    "snowman": (Noun("雪人", ("个",)),),
    "sofa": (Noun("沙发", ("张", "个"), "红黄绿蓝紫粉白棕"), Noun("双人沙发", ("张",))),
    "lamp": (Noun("落地灯", ("盏", "个")), Noun("灯", ("盏",)), Noun("立灯", ("盏",))),
    "boat": (Noun("船", ("艘", "条", "只"), _PAINT), Noun("帆船", ("艘", "条"), "红蓝白黑黄")),
    "duck": (Noun("鸭子", ("只",), "黄白"), Noun("鸭", ("只",), "黄白")),
    "bird": (Noun("鸟", ("只",), "红黄蓝黑白"), Noun("鸟儿", ("只",))),
    "plane": (Noun("飞机", ("架",), "红黄绿蓝白"),),
    "balloon": (Noun("气球", ("个", "个", "只"), "红黄绿蓝紫粉"),),
    "kite": (Noun("风筝", ("只", "个"), "红黄绿蓝紫粉"),),
}
NUMBERS: dict[int, str] = {1: "一", 2: "两", 3: "三", 4: "四"}
COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("红色",),
    "orange": ("橙色", "橘色"),
    "yellow": ("黄色",),
    "green": ("绿色",),
    "blue": ("蓝色",),
    "purple": ("紫色",),
    "pink": ("粉色", "粉红色"),
    "brown": ("棕色", "褐色", "咖啡色"),
    "black": ("黑色",),
    "white": ("白色",),
}
SHORT_COLOURS: dict[str, str] = {
    "red": "红",
    "orange": "橘",
    "yellow": "黄",
    "green": "绿",
    "blue": "蓝",
    "purple": "紫",
    "pink": "粉",
    "brown": "棕",
    "black": "黑",
    "white": "白",
}
SIZES: dict[Size, str] = {"small": "小", "medium": "", "big": "大"}
PEOPLE = ("child", "woman", "man")
PEOPLE_SIZES: dict[Size, tuple[str, ...]] = {
    "small": ("小个子", "矮个子"),
    "medium": ("",),
    "big": ("高个子", "身材高大的"),
}
# What carries the colour of those who are not of one colour: how it is worn, and its names.
WEAR: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "child": (("穿", ("衣服", "衣服", "上衣")), ("戴", ("帽子",))),
    "woman": (("穿", ("裙子", "裙子", "连衣裙", "长裙")), ("穿", ("衣服",))),
    "man": (("穿", ("外套", "夹克", "上衣")), ("穿", ("衣服",))),
    "snowman": (("戴", ("帽子",)), ("围", ("围巾",)), ("戴", ("围巾",))),
}
# How a thing is there, as a verb that goes before 着 and before 在: 停着一辆汽车, 一辆汽车停在.
DOING: dict[str, tuple[str, ...]] = {
    "car": ("停",),
    "bus": ("停",),
    "train": ("停",),
    "bicycle": ("停", "放"),
    "house": ("立",),
    "tent": ("搭", "支"),
    "tree": ("长", "立"),
    "flower": ("开", "长"),
    "dog": ("站",),
    "cat": ("坐", "蹲"),
    "sheep": ("站",),
    "horse": ("站",),
    "ball": ("放",),
    "umbrella": ("撑", "立"),
    "child": ("站",),
    "woman": ("站",),
    "man": ("站",),
    "snowman": ("立", "堆"),
    "sofa": ("放", "摆"),
    "lamp": ("立", "放"),
    "boat": ("漂", "停"),
    "duck": ("漂", "浮"),
    "bird": ("飞",),
    "plane": ("飞",),
    "balloon": ("飘",),
    "kite": ("飘", "飞"),
}
