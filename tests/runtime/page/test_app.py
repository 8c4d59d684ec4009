"""The page's script run without a browser: what is loaded, and how often."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from photoseek import Bundle, Gallery
from photoseek.demo.gallery import picture_names
from photoseek.page import launch
from tiny_bundle import write_tiny_bundle

pytest.importorskip("streamlit", reason="streamlit is not installed")
from streamlit.testing.v1 import AppTest

SECONDS = 60


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with empty caches, as a new server does."""
    from photoseek.page import open_galleries

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    open_galleries._open.clear()
    open_galleries._state.clear()


@pytest.fixture(autouse=True)
def mounted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts with scripts were last given, by their key: without a browser nothing runs those."""
    from photoseek.page import components

    given: dict[str, Any] = {}
    monkeypatch.setattr(components, "register_component", lambda _, key, data, **__: given.update({key: data}))
    return given


@pytest.fixture
def page(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A session over 24 photos of six colours."""
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(gallery.path))
    return new_session()


@pytest.fixture
def opened_graphs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The file name of each model that is loaded."""
    from photoseek.bundle.onnx_session import OnnxSession

    names: list[str] = []
    build = OnnxSession.__init__

    def counted(self: OnnxSession, path: Path, *rest: Any, **named: Any) -> None:
        names.append(path.name)
        build(self, path, *rest, **named)

    monkeypatch.setattr(OnnxSession, "__init__", counted)
    return names


def new_session() -> AppTest:
    return AppTest.from_file(str(Path(launch.__file__).with_name("script.py")), default_timeout=SECONDS)


def text_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def names(mounted: dict[str, Any]) -> list[str]:
    """File names of the hits, best first, those alike after theirs."""
    cards = [shown for card in mounted["cards"]["cards"] for shown in (card, *card["duplicates"])]
    return [card["path"].rpartition("/")[2] for card in cards]


def test_the_text_tower_is_loaded_once_over_queries_and_sessions(
    page: AppTest, mounted: dict[str, Any], opened_graphs: list[str]
) -> None:
    page.run()
    assert opened_graphs == []
    for session in (page, new_session().run()):
        for color in ("red", "blue", "green"):
            session.text_input(key="q-field").set_value(color).run()
            assert [name.partition("-")[0] for name in names(mounted)[:4]] == [color] * 4
            assert not session.exception
    assert opened_graphs == ["text_model.onnx"]


def test_a_gallery_indexed_again_by_another_bundle_is_opened_anew(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, tmp_path: Path
) -> None:
    page.run().text_input(key="q-field").set_value("red").run()
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    Gallery.open_or_create(gallery.photos.root, other, rebuild=True).index(other)
    page.run()
    assert [name.partition("-")[0] for name in names(mounted)][:4] == ["red"] * 4
    assert "other" in text_of(page)


def test_a_gallery_deleted_and_made_again_is_opened_anew(
    page: AppTest, mounted: dict[str, Any], gallery: Gallery, tiny_bundle: Bundle
) -> None:
    photos = gallery.photos.root
    page.run().text_input(key="q-field").set_value("red").run()
    shutil.rmtree(gallery.path)
    for color in ("black", "blue"):
        shutil.rmtree(photos / color)
    Gallery.create(photos, tiny_bundle).index()
    page.run()
    assert [name.partition("-")[0] for name in names(mounted)][:4] == ["red"] * 4
    assert "16 photos searched" in text_of(page)


def test_an_unforeseen_error_is_told_plainly_and_logged(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inside story")

    monkeypatch.setattr("photoseek.search.searcher.Searcher.nearest", fail)
    page.run().text_input(key="q-field").set_value("red").run()
    assert not page.exception
    assert "not foreseen" in text_of(page)
    assert "the inside story" not in text_of(page)
    assert "the inside story" in caplog.text


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({}, ("", 12)),
        ({"q": "red", "k": "7"}, ("red", 7)),
        ({"k": "0"}, ("", 1)),
        ({"k": "999"}, ("", 50)),
        ({"k": "99999999"}, ("", 12)),
        ({"k": "many"}, ("", 12)),
        ({"k": "²"}, ("", 12)),
        ({"q": "x" * 600}, ("x" * 500, 12)),
    ],
)
def test_the_address_of_the_page_says_what_is_searched_for(
    page: AppTest, address: dict[str, str], expected: tuple[str, int]
) -> None:
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert (page.text_input(key="q-field").value, page.selectbox(key="k-field").value) == expected


def test_a_condition_that_is_none_is_told_by_its_name_on_the_page(page: AppTest) -> None:
    page.query_params["q"] = "red"
    page.run()
    next(field for field in page.text_input if field.label == "Taken from").input("summer").run()
    assert "Invalid filter" in text_of(page)
    assert "Taken from: expected a date" in text_of(page)


def test_the_number_of_photos_stays_as_it_is_while_another_gallery_is_looked_for(page: AppTest, tmp_path: Path) -> None:
    page.run()
    gallery = page.text_input(key="gallery").value
    page.text_input(key="gallery").input(str(tmp_path / "nowhere")).run()
    page.text_input(key="gallery").input(gallery).run()
    assert page.selectbox(key="k-field").value == 12
    page.selectbox(key="k-field").select(24).run()
    assert page.query_params["k"] == "24"


@pytest.mark.parametrize("drawn", [False, True])
def test_the_examples_among_drawn_scenes_are_about_them(
    photos: Path, tiny_bundle_path: Path, mounted: dict[str, Any], monkeypatch: pytest.MonkeyPatch, drawn: bool
) -> None:
    if drawn:
        shutil.copy(photos / "red" / "red-0.png", photos / picture_names()[2])
    Gallery.create(photos, Bundle.load(tiny_bundle_path)).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session().run()
    example = "a red car next to a tree at night" if drawn else "a dog running on the beach"
    examples = [button for button in page.button if "a " in button.label]
    next(button for button in examples if button.label == example).click().run()
    assert page.text_input(key="q-field").value == example
    assert names(mounted)


@pytest.mark.parametrize("chinese", [False, True])
def test_examples_are_in_the_language_of_the_page_where_the_bundle_reads_it(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mounted: dict[str, Any],
    opened_graphs: list[str],
    chinese: bool,
) -> None:
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "bundle", chinese=chinese))
    Gallery.create(photos, bundle).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session()
    page.query_params["lang"] = "zh"
    labels = [button.label for button in page.run().button]
    assert ("a dog running on the beach" in labels, "在海滩上奔跑的狗" in labels) == (not chinese, chinese)
    page.text_input(key="q-field").set_value("红色").run()
    assert names(mounted)
    assert opened_graphs[-1] == ("text_model.zh.onnx" if chinese else "text_model.onnx")


def test_the_address_repeats_a_search_with_its_filters(page: AppTest, mounted: dict[str, Any]) -> None:
    page.query_params.update({"q": "red", "folder": "blue", "min_megapixels": "0.001", "type": "png", "lang": "zh"})
    page.run()
    assert {name.partition("-")[0] for name in names(mounted)} == {"blue"}
    assert [chip["label"] for chip in mounted["chips"]["chips"]] == ["blue", "≥ 0.001 百万像素", "PNG"]
    assert page.query_params["folder"] == "blue"
    assert "找到照片" in text_of(page)


@pytest.mark.parametrize(
    "address", [{"orientation": "round"}, {"min_megapixels": "nan"}, {"max_megapixels": "-1"}, {"taken_from": "May"}]
)
def test_a_filter_in_the_address_that_makes_no_sense_is_passed_over(
    page: AppTest, mounted: dict[str, Any], address: dict[str, str]
) -> None:
    page.query_params.update({"q": "red", **address})
    page.run()
    assert len(names(mounted)) == 24
    assert "chips" not in mounted


def test_a_photo_of_the_gallery_in_the_address_is_searched_with(page: AppTest, mounted: dict[str, Any]) -> None:
    page.query_params["similar_to"] = "blue/blue-0.png"
    page.run()
    assert set(names(mounted)[:3]) == {f"blue-{number}.png" for number in (1, 2, 3)}
    assert "blue-0.png" not in names(mounted)
    assert mounted["chips"]["chips"] == [{"id": "similar_to", "label": "like blue/blue-0.png"}]


@pytest.mark.parametrize(
    ("query", "reason"), [("red +", "expected words after"), ("0:red", "weight above 0"), ("red - red", "cancel out")]
)
def test_a_query_against_the_grammar_is_told_kindly(page: AppTest, query: str, reason: str) -> None:
    page.run().text_input(key="q-field").set_value(query).run()
    assert "Invalid query" in text_of(page)
    assert reason in text_of(page).lower()
    assert not page.exception


def test_a_date_that_is_none_is_told_kindly(page: AppTest) -> None:
    page.run().text_input(key="field-0-taken_from").set_value("May").run()
    page.text_input(key="q-field").set_value("red").run()
    assert "expected a date like 2024" in text_of(page)


def test_pictures_that_were_pasted_are_checked() -> None:
    from photoseek.page import search_form as query

    state: dict[str, Any] = {}
    for told in (None, "text", {"name": "a"}, {"name": "a", "data": "no base64!"}, {"name": "a", "data": 3}):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(query.st, "session_state", state)
            patch.setattr(query.components, "component_value", lambda *_, told=told: told)
            query._take_pasted()
    assert state == {}


@pytest.mark.parametrize(("address", "offered"), [("127.0.0.1", True), ("0.0.0.0", False), ("", False)])
def test_folders_are_indexed_only_for_this_computer(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, address: str, offered: bool
) -> None:
    from photoseek.page import index_panel

    monkeypatch.setattr(index_panel.st, "get_option", lambda _: address)
    assert ("Index this folder" in [button.label for button in page.run().button]) is offered
