"""Chinese words for where and when: places, time of day and weather, positions, and the verbs of the sky."""

from __future__ import annotations

from photoseek.demo.chance import Chance
from photoseek.demo.world import Position, Scene

# Where things are: each of these also stands at the head of a sentence (沙滩上有…) and after 在.
WHERE: dict[str, tuple[str, ...]] = {
    "beach": ("沙滩上", "沙滩上", "海滩上", "海边", "大海边", "海边的沙滩上", "海岸边"),
    "meadow": ("草地上", "草地上", "草原上", "开满小花的草地上", "长满青草的山坡上"),
    "street": ("街上", "街道上", "马路上", "大街上", "城市的街道上", "街头", "城里的街道上"),
    "mountain lake": ("湖边", "湖畔", "山间的湖边", "高山湖边", "群山下的湖边", "山里的湖畔"),
    "snowy field": ("雪地里", "雪地上", "雪原上", "积雪的田野上", "冬天的雪地里"),
    "park": ("公园里", "公园里", "公园中", "城市公园里", "市民公园里"),
    "harbour": ("港口", "港口里", "码头上", "码头边", "海港里", "有灯塔的港口"),
    "desert": ("沙漠里", "沙漠中", "沙丘间", "荒漠中", "布满沙丘的沙漠里"),
    "farm": ("农场里", "农场里", "农场上", "农庄里", "有谷仓的农场里"),
    "living room": ("客厅里", "客厅里", "客厅中", "室内", "起居室里", "屋里"),
}
# What the picture as a whole is called.
PLACE_NAMES: dict[str, tuple[str, ...]] = {
    "beach": ("沙滩", "海滩", "海边", "海边的沙滩", "一片沙滩"),
    "meadow": ("草地", "草原", "一片草地", "长满青草的山坡"),
    "street": ("街道", "城市的街道", "马路", "一条街道", "城市街头"),
    "mountain lake": ("湖边", "山间的湖泊", "高山湖泊", "群山下的湖", "山里的湖"),
    "snowy field": ("雪地", "雪原", "一片雪地", "积雪的田野", "冬天的田野"),
    "park": ("公园", "城市公园", "有长椅的公园", "有小路的公园"),
    "harbour": ("港口", "海港", "码头", "有灯塔的港口"),
    "desert": ("沙漠", "一片沙漠", "荒漠", "有沙丘的沙漠"),
    "farm": ("农场", "农庄", "有谷仓的农场", "一座农场"),
    "living room": ("客厅", "起居室", "有窗户的客厅", "一间客厅"),
}
_ANY_TIME: dict[str, tuple[str, ...]] = {
    "day": ("白天", "白天", "大白天", "白日里"),
    "sunset": ("傍晚", "黄昏", "日落时分", "日落时", "夕阳下", "太阳下山时", "暮色中"),
    "night": ("夜里", "夜晚", "晚上", "夜间", "夜色中", "天黑后", "夜幕下"),
}
_OUTDOOR_TIME: dict[tuple[str, str], tuple[str, ...]] = {
    ("day", "clear"): ("晴天", "阳光下", "晴空下", "晴朗的天空下", "阳光明媚的白天", "天气晴朗时"),
    ("day", "cloudy"): ("阴天", "多云的白天", "阴沉的天空下", "灰蒙蒙的天空下", "多云天气里"),
    ("day", "rain"): ("雨中", "雨天", "下雨天", "下雨时", "雨里", "雨天里"),
    ("day", "snow"): ("下雪时", "下雪天", "飘雪时", "漫天飞雪中", "雪花飘落时"),
    ("sunset", "clear"): ("晴朗的傍晚", "晚霞下", "夕阳西下时"),
    ("sunset", "cloudy"): ("多云的傍晚", "多云的黄昏", "阴沉的傍晚"),
    ("night", "clear"): ("星空下", "月光下", "晴朗的夜晚", "满天繁星的夜里", "繁星下"),
    ("night", "cloudy"): ("多云的夜晚", "阴沉的夜里", "多云的夜空下"),
    ("night", "rain"): ("雨夜", "雨夜里", "下雨的夜晚", "下雨的晚上", "夜雨中"),
    ("night", "snow"): ("雪夜", "下雪的夜晚", "飘雪的夜里", "下雪的晚上"),
}
POSITION_WORDS: dict[Position, tuple[str, ...]] = {
    "left": ("左边", "左侧", "左面", "画面左边"),
    "middle": ("中间", "中央", "正中间", "画面中间"),
    "right": ("右边", "右侧", "右面", "画面右边"),
}
_ALOFT = ("天上", "天空中", "空中", "半空中")
_ALOFT_INDOORS = ("空中", "半空中")


def where(scene: Scene, chance: Chance) -> str:
    """Where things are: "沙滩上"."""
    return chance.pick(WHERE[scene.place])


def where_and_when(scene: Scene, chance: Chance, odds: float) -> str:
    """Where things are, and with these odds when: "夜里的沙滩上"."""
    return _timed(WHERE[scene.place], scene, chance, odds)


def place_name(scene: Scene, chance: Chance, odds: float = 0.0) -> str:
    """What the picture is of, and with these odds when: "雨中的港口"."""
    return _timed(PLACE_NAMES[scene.place], scene, chance, odds)


def _timed(places: tuple[str, ...], scene: Scene, chance: Chance, odds: float) -> str:
    """A place that already says 的 goes without the time: a chain of them is clumsy."""
    if not chance.happens(odds):
        return chance.pick(places)
    return f"{when(scene, chance)}的{chance.pick([place for place in places if '的' not in place])}"


def when(scene: Scene, chance: Chance) -> str:
    """Time of day and weather in one phrase, true of the scene: "下雨的夜晚"."""
    outdoors = () if scene.place == "living room" else _OUTDOOR_TIME.get((scene.time, scene.weather), ())
    plain = _ANY_TIME[scene.time]
    return chance.pick(outdoors if outdoors and chance.happens(0.6) else plain)


def aloft(scene: Scene, chance: Chance) -> str:
    """Where things fly: there is no sky in a room."""
    return chance.pick(_ALOFT_INDOORS if scene.place == "living room" else _ALOFT)
