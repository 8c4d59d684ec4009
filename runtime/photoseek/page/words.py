"""What the page says, in English and in Chinese; a sentence that is missing in one of them fails the type check."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

KEY = "lang"
"""In the session and in the address of the page: the language that was asked for, if any."""


@dataclass(frozen=True)
class Words:
    """Every text of the page; names in braces are filled in by ``str.format``."""

    code: str
    other: str
    other_name: str
    tagline: str
    find_tab: str
    describe_tab: str
    ask: str
    placeholder: str
    how_many: str
    top: str
    photo: str
    photo_hint: str
    filters: str
    help: str
    grammar: str
    folder: str
    taken_from: str
    taken_to: str
    min_megapixels: str
    max_megapixels: str
    orientation: str
    landscape: str
    portrait: str
    square: str
    type: str
    any: str
    date_hint: str
    megapixels: str
    from_chip: str
    to_chip: str
    like_chip: str
    remove: str
    your_photo: str
    searched: str
    found: str
    found_one: str
    found_where: str
    encode_time: str
    search_time: str
    confidence: str
    cosine: str
    score: str
    sureness: str
    alike: str
    fewer: str
    open: str
    gone: str
    unshowable: str
    doubtful_title: str
    doubtful: str
    show_anyway: str
    none_title: str
    none: str
    detail: str
    position: str
    size: str
    taken: str
    file: str
    captions: str
    previous: str
    next: str
    more_like: str
    describe_it: str
    describe_title: str
    describe_intro: str
    choose_photo: str
    no_captions_title: str
    no_captions: str
    sentences: str
    welcome_title: str
    welcome: str
    try_one: str
    no_gallery_title: str
    no_gallery: str
    choose_title: str
    choose: str
    index_hint: str
    demo_hint: str
    nothing_title: str
    nothing: str
    empty_title: str
    empty: str
    fill_hint: str
    broken_title: str
    broken: str
    query_title: str
    filter_title: str
    query_hint: str
    problem_title: str
    unforeseen: str
    in_the_log: str
    unavailable_title: str
    ask_operator: str
    not_guarded: str
    token: str
    token_needed: str
    token_open: str
    token_wrong: str
    gallery: str
    recent: str
    model: str
    second_look: str
    no_second_look: str
    looked_again: str
    score_by: str
    index: str
    index_help: str
    stop: str
    starting: str
    encoding: str
    building: str
    stopping: str
    stopped: str
    failed: str
    done: str
    being_indexed_title: str
    being_indexed: str
    photos: str
    searchable: str
    unreadable: str
    caption_count: str
    recall: str
    not_measured: str
    bytes: str
    bundle: str
    photo_folder: str
    outdated: str
    unreadable_photos: str
    and_more: str


ENGLISH = Words(
    code="en",
    other="zh",
    other_name="中文",
    tagline="Find photos by what they show.",
    find_tab="Find photos",
    describe_tab="Describe a photo",
    ask="What should the photos show?",
    placeholder="two dogs on a beach",
    how_many="How many photos",
    top="Top {k}",
    photo="Photo",
    photo_hint="Photos like this one are looked for. You can also paste a picture anywhere on this page.",
    filters="Filters",
    help="How to ask",
    grammar="""**Just say what the photo shows:** `a child laughing in the rain`

| write | to find |
|:--|:--|
| `dog + beach` | both, in equal parts |
| `dog + beach - person` | dogs on beaches, without people |
| `2:red car + snow` | the red car counts twice |
| `rock \\+ roll` | a sign that is just a character |

A sign stands between spaces, so `t-shirt` is a word. Add a photo to find what is like it.""",
    folder="Folder",
    taken_from="Taken from",
    taken_to="Taken to",
    min_megapixels="Megapixels, at least",
    max_megapixels="Megapixels, at most",
    orientation="Orientation",
    landscape="Landscape",
    portrait="Portrait",
    square="Square",
    type="File type",
    any="Any",
    date_hint="2024 or 2024-05-17",
    megapixels="{sign} {size:g} MP",
    from_chip="from {date}",
    to_chip="to {date}",
    like_chip="like {path}",
    remove="Remove: {label}",
    your_photo="your photo",
    searched="{count} photos searched",
    found="{count} photos, best first",
    found_one="1 photo",
    found_where="{count} photos that meet the filters, best first",
    encode_time="query read in {ms} ms",
    search_time="searched in {ms} ms",
    confidence="Confidence: how surely the photo shows what you asked for",
    cosine="Cosine similarity of query and photo",
    score="Cosine",
    sureness="Confidence",
    alike="+{count} alike",
    fewer="Fewer",
    open="Open {path}",
    gone="This photo is no longer there",
    unshowable="This photo cannot be shown: {reason}",
    doubtful_title="Nothing here seems to show that",
    doubtful="The nearest photos are further from your words than good finds commonly are.",
    show_anyway="Show the nearest anyway",
    none_title="No photo meets these filters",
    none="Remove a filter, or ask for something else.",
    detail="Photo",
    position="{number} of {count}",
    size="Size",
    taken="Taken",
    file="Path",
    captions="Captions",
    previous="Previous",
    next="Next",
    more_like="More like this",
    describe_it="Describe it",
    describe_title="Which sentences describe it?",
    describe_intro="Choose a photo: the captions of this gallery that fit it best are shown.",
    choose_photo="A photo to describe",
    no_captions_title="This gallery has no captions yet",
    no_captions="Photos are described with sentences that you have given to the gallery. Add a file of captions:",
    sentences="The sentences that fit best",
    welcome_title="Search {count} photos",
    welcome="Describe in a sentence what they should show, add a photo that they should be like, or both.",
    try_one="Try one of these",
    no_gallery_title="No gallery here",
    no_gallery="{folder} is neither a gallery nor a folder of photos that has been indexed.",
    choose_title="Choose a gallery",
    choose="Name its folder in the sidebar, or make one first.",
    index_hint="Index a folder of your photos, with the button in the sidebar or with:",
    demo_hint="Or look around in a gallery of drawn scenes:",
    nothing_title="Nothing to search yet",
    nothing="None of its {count} photos can be searched so far.",
    empty_title="This gallery is empty",
    empty="Nothing in {folder} has been indexed yet.",
    fill_hint="Put photos into the folder, then index it, with the button in the sidebar or with:",
    broken_title="This file cannot be read as a photo",
    broken="{reason}. Remove it above, or choose another.",
    query_title="This query is not quite clear",
    filter_title="This filter is not quite clear",
    query_hint="For example: dog + beach - person, or 2:red car + snow.",
    problem_title="That did not work",
    unforeseen="Something went wrong that was not foreseen; the log of the server says what.",
    in_the_log="The reason is in the log of the server.",
    unavailable_title="This page has no gallery to search",
    ask_operator="The person who runs this page can change that.",
    not_guarded="Start the page with photoseek app or with streamlit run streamlit_app.py: this script is part of it.",
    token="Token",
    token_needed="This page opens with a token: paste the one from the address that photoseek printed when it started.",
    token_open="Open",
    token_wrong="This is not the token of this page. A restart makes a new one.",
    gallery="Gallery folder",
    recent="Recent galleries",
    model="Answered by",
    second_look="Second look at the first hits",
    no_second_look="None",
    looked_again="first hits looked at again by {bundle}",
    score_by="Cosine by {bundle}",
    index="Index this folder",
    index_help="Makes the gallery of this folder, or brings it up to date",
    stop="Stop",
    starting="Looking for photos",
    encoding="{done} of {total} photos",
    building="Building the index",
    stopping="Stopping",
    stopped="Stopped. What was done is kept: press again to go on.",
    failed="Indexing failed: {reason}",
    done="Up to date: {photos} photos, {new} new, {seconds} s.",
    being_indexed_title="This folder is being indexed",
    being_indexed="Its photos can be searched as soon as that is done.",
    photos="Photos",
    searchable="Searchable",
    unreadable="Unreadable",
    caption_count="Captions",
    recall="Recall@10",
    not_measured="not measured",
    bytes="Size",
    bundle="Bundle",
    photo_folder="Photo folder",
    outdated="It has changed since it was last indexed to the end: index it again.",
    unreadable_photos="Unreadable photos",
    and_more="and {count} more",
)

CHINESE = Words(
    code="zh",
    other="en",
    other_name="English",
    tagline="说出画面，找到照片。",
    find_tab="找照片",
    describe_tab="描述照片",
    ask="照片里应该有什么？",
    placeholder="沙滩上的两只狗",
    how_many="照片数量",
    top="前 {k}",
    photo="照片",
    photo_hint="查找与这张相似的照片。也可以在本页任意位置粘贴图片。",
    filters="筛选",
    help="怎样提问",
    grammar="""**直接说出照片的内容：** `在雨中大笑的孩子`

| 写法 | 查找 |
|:--|:--|
| `狗 + 沙滩` | 两者各占一半 |
| `狗 + 沙滩 - 人` | 沙滩上的狗，没有人 |
| `2:红色汽车 + 雪` | 红色汽车的分量加倍 |
| `C \\+ D` | 符号只是普通字符 |

符号两边要有空格；全角的＋和－不需要。加一张照片，就会找与它相似的。""",
    folder="文件夹",
    taken_from="拍摄起始",
    taken_to="拍摄截止",
    min_megapixels="最少百万像素",
    max_megapixels="最多百万像素",
    orientation="方向",
    landscape="横向",
    portrait="纵向",
    square="方形",
    type="文件类型",
    any="不限",
    date_hint="2024 或 2024-05-17",
    megapixels="{sign} {size:g} 百万像素",
    from_chip="{date} 起",
    to_chip="{date} 止",
    like_chip="与 {path} 相似",
    remove="移除：{label}",
    your_photo="你的照片",
    searched="共搜索 {count} 张",
    found="{count} 张照片，最佳在前",
    found_one="1 张照片",
    found_where="{count} 张符合筛选的照片，最佳在前",
    encode_time="读取查询 {ms} 毫秒",
    search_time="搜索 {ms} 毫秒",
    confidence="可信度：照片与所问相符的把握",
    cosine="查询与照片的余弦相似度",
    score="余弦相似度",
    sureness="可信度",
    alike="另有 {count} 张相近",
    fewer="收起",
    open="打开 {path}",
    gone="这张照片已不在原处",
    unshowable="无法显示这张照片：{reason}",
    doubtful_title="这里似乎没有这样的照片",
    doubtful="最接近的照片与所问之间的距离，比通常找对时更远。",
    show_anyway="仍然显示最接近的照片",
    none_title="没有照片符合这些筛选",
    none="移除一个筛选条件，或换个问题。",
    detail="照片",
    position="第 {number} 张，共 {count} 张",
    size="尺寸",
    taken="拍摄时间",
    file="路径",
    captions="说明文字",
    previous="上一张",
    next="下一张",
    more_like="查找相似",
    describe_it="描述这张",
    describe_title="哪些句子描述它？",
    describe_intro="选一张照片，显示本图库中最贴切的说明文字。",
    choose_photo="要描述的照片",
    no_captions_title="本图库还没有说明文字",
    no_captions="描述照片要用图库中已有的句子。请添加说明文字文件：",
    sentences="最贴切的句子",
    welcome_title="搜索 {count} 张照片",
    welcome="用一句话描述画面，或加一张相似的照片，也可以两者并用。",
    try_one="试试这些",
    no_gallery_title="这里没有图库",
    no_gallery="{folder} 既不是图库，也不是已建立索引的照片文件夹。",
    choose_title="选择图库",
    choose="在侧栏填写文件夹，或先建立一个。",
    index_hint="为照片文件夹建立索引，可用侧栏的按钮，或用命令：",
    demo_hint="或者先看看手绘场景的图库：",
    nothing_title="还没有可搜索的照片",
    nothing="其中 {count} 张照片目前都不能搜索。",
    empty_title="图库是空的",
    empty="{folder} 中还没有建立索引的照片。",
    fill_hint="把照片放入文件夹，再建立索引，可用侧栏的按钮，或用命令：",
    broken_title="这个文件不能作为照片读取",
    broken="{reason}。请在上方移除，或另选一张。",
    query_title="这个查询不太明确",
    filter_title="这个筛选条件不太清楚",
    query_hint="例如：狗 + 沙滩 - 人，或 2:红色汽车 + 雪。",
    problem_title="没有成功",
    unforeseen="发生了意外的错误，详情见服务器日志。",
    in_the_log="原因见服务器日志。",
    unavailable_title="本页没有可搜索的图库",
    ask_operator="请联系本页的管理员。",
    not_guarded="请用 photoseek app 或 streamlit run streamlit_app.py 启动本页：这个脚本只是其中一部分。",
    token="令牌",
    token_needed="打开本页需要令牌：请粘贴 photoseek 启动时所显示网址中的令牌。",
    token_open="打开",
    token_wrong="令牌不正确。每次重新启动后，令牌都会更换。",
    gallery="图库文件夹",
    recent="最近的图库",
    model="使用的模型",
    second_look="由第二个模型复核前列结果",
    no_second_look="不复核",
    looked_again="前列结果经 {bundle} 复核",
    score_by="{bundle} 的余弦相似度",
    index="为此文件夹建立索引",
    index_help="建立此文件夹的图库，或更新到最新",
    stop="停止",
    starting="正在查找照片",
    encoding="{done} / {total} 张照片",
    building="正在建立索引",
    stopping="正在停止",
    stopped="已停止。已完成的部分会保留，再按一次即可继续。",
    failed="建立索引失败：{reason}",
    done="已是最新：{photos} 张照片，新增 {new} 张，用时 {seconds} 秒。",
    being_indexed_title="正在为此文件夹建立索引",
    being_indexed="完成后即可搜索其中的照片。",
    photos="照片",
    searchable="可搜索",
    unreadable="无法读取",
    caption_count="说明文字",
    recall="召回率@10",
    not_measured="未测量",
    bytes="大小",
    bundle="模型",
    photo_folder="照片文件夹",
    outdated="上次完整索引之后有变化，请重新建立索引。",
    unreadable_photos="无法读取的照片",
    and_more="还有 {count} 张",
)

_LANGUAGES = {words.code: words for words in (ENGLISH, CHINESE)}


def words() -> Words:
    """Those of the session: as asked for, else as the browser's locale has it, else English."""
    asked = st.session_state.get(KEY)
    return _LANGUAGES.get(asked or str(st.context.locale or "")[:2].lower(), ENGLISH)


def take_language() -> None:
    """Keep the language that the address of the page asks for, when a session begins."""
    if KEY not in st.session_state:
        given = st.query_params.get(KEY, "")
        st.session_state[KEY] = given if given in _LANGUAGES else None
