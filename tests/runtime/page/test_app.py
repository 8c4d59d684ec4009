"""Sessions of the page: results, addresses, errors, and how often models are loaded."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import ExifTags, Image

from page_sessions import colors, names, new_session, text_of
from photoseek import Bundle, Gallery
from photoseek.page import launch
from tiny_bundle import COLORS, write_tiny_bundle

pytest.importorskip("streamlit", reason="streamlit is not installed")

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture
def opened_graphs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The file name of each model that is loaded."""
    from photoseek.bundle.onnx_session import OnnxSession

    names: list[str] = []
    build = OnnxSession.__init__

    def record(self: OnnxSession, path: Path, *rest: Any, **named: Any) -> None:
        names.append(path.name)
        build(self, path, *rest, **named)

    monkeypatch.setattr(OnnxSession, "__init__", record)
    return names


def test_the_text_tower_is_loaded_once_for_all_queries_and_sessions(
    page: AppTest, rendered: dict[str, Any], opened_graphs: list[str]
) -> None:
    page.run()
    assert opened_graphs == []
    for session in (page, new_session().run()):
        for color in ("red", "blue", "green"):
            session.text_input(key="q-field").set_value(color).run()
            assert colors(rendered)[:4] == [color] * 4
            assert not session.exception
    assert opened_graphs == ["text_model.onnx"]


def test_a_gallery_indexed_with_another_bundle_is_reopened(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, tmp_path: Path
) -> None:
    page.run().text_input(key="q-field").set_value("red").run()
    other = Bundle.load(write_tiny_bundle(tmp_path / "other", name="other", seed=1))
    Gallery.open_or_create(gallery.photos.root, other, rebuild=True).index(other)
    page.run()
    assert colors(rendered)[:4] == ["red"] * 4
    assert "other" in text_of(page)


def test_a_gallery_deleted_and_created_again_is_reopened(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery, tiny_bundle: Bundle
) -> None:
    photos = gallery.photos.root
    page.run().text_input(key="q-field").set_value("red").run()
    shutil.rmtree(gallery.path)
    for color in ("black", "blue"):
        shutil.rmtree(photos / color)
    Gallery.create(photos, tiny_bundle).index()
    page.run()
    assert colors(rendered)[:4] == ["red"] * 4
    assert "16 photos searched" in text_of(page)


def test_an_unexpected_error_is_logged_and_not_shown(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("internal details")

    monkeypatch.setattr("photoseek.search.searcher.Searcher.nearest", fail)
    page.run().text_input(key="q-field").set_value("red").run()
    assert not page.exception
    assert "Unexpected error" in text_of(page)
    assert "internal details" not in text_of(page)
    assert "internal details" in caplog.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ("", 24, "likeness")),
        ({"q": "red", "k": "7"}, ("red", 7, "likeness")),
        ({"k": "0"}, ("", 1, "likeness")),
        ({"k": "999", "sort": "date"}, ("", 999, "date")),
        ({"k": "9999"}, ("", 1000, "likeness")),
        ({"k": "99999999", "sort": "size"}, ("", 24, "likeness")),
        ({"k": "many"}, ("", 24, "likeness")),
        ({"k": "²"}, ("", 24, "likeness")),
        ({"q": "x" * 600}, ("x" * 500, 24, "likeness")),
    ],
)
def test_text_number_and_order_come_from_the_address(
    page: AppTest, query: dict[str, str], expected: tuple[str, int, str]
) -> None:
    page.query_params.update(query)
    page.run()
    assert not page.exception
    shown = (page.text_input(key="q-field").value, page.session_state["k"], page.session_state["sort"])
    assert shown == expected


def names_field(page: AppTest) -> Any:
    return next(box for box in page.selectbox if box.label == "Names, titles and keywords")


def show_more(page: AppTest) -> None:
    """Do what the button of the cards does, since no browser runs their script."""
    from photoseek.page import paging

    page.session_state["k"] += paging.PAGE
    page.run()


def test_more_photos_are_shown_up_to_the_whole_gallery(page: AppTest, rendered: dict[str, Any]) -> None:
    page.query_params.update({"q": "red", "k": "2"})
    page.run()
    assert len(rendered["cards"]["cards"]) == 2
    assert rendered["cards"]["more"] == "Show more"
    before = rendered["cards"]["cards"]
    show_more(page)
    assert rendered["cards"]["cards"][:2] == before
    assert sorted(names(rendered)) == sorted(f"{color}-{number}.png" for color in COLORS for number in range(4))
    assert rendered["cards"]["more"] is None
    assert page.query_params["k"] == "26"


def test_a_new_question_shows_the_first_photos_again(page: AppTest, rendered: dict[str, Any]) -> None:
    page.query_params.update({"q": "red", "k": "2"})
    page.run()
    show_more(page)
    page.text_input(key="q-field").set_value("blue").run()
    assert page.session_state["k"] == 24
    assert "k" not in page.query_params
    assert rendered["cards"]["cards"]


def test_the_shown_photos_are_sorted_by_date_and_those_without_one_are_last(
    gallery: Gallery, photos: Path, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    dated = ((48, "2019:05:01"), (144, "2024:12:31"), (96, "2021:01:01"))
    for shade, date in dated:  # near-duplicates of no color
        exif = Image.Exif()
        exif[ExifTags.Base.DateTime] = f"{date} 10:00:00"
        Image.new("RGB", (40, 30), (shade, 0, shade)).save(photos / f"{date[:4]}.jpg", exif=exif)
    gallery.index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session(q="red", sort="date").run()
    assert names(rendered)[:3] == ["2024.jpg", "2021.jpg", "2019.jpg"]
    assert "newest first" in text_of(page)
    assert {name.partition("-")[0] for name in names(rendered)[3:]} == set(COLORS)
    page.selectbox(key="sort-field-en").select("likeness").run()
    assert names(rendered)[0].startswith("red-")
    assert "sort" not in page.query_params


def test_an_invalid_filter_is_reported_by_its_label(page: AppTest) -> None:
    page.query_params["q"] = "red"
    page.run()
    next(field for field in page.text_input if field.label == "Taken from").input("summer").run()
    assert "Invalid filter" in text_of(page)
    assert "Taken from: expected a date like 2024" in text_of(page)


def test_number_and_order_are_unchanged_after_a_wrong_gallery_folder(page: AppTest, tmp_path: Path) -> None:
    page.query_params.update({"q": "red", "k": "2", "sort": "date"})
    page.run()
    gallery = page.text_input(key="gallery").value
    page.text_input(key="gallery").input(str(tmp_path / "nowhere")).run()
    page.text_input(key="gallery").input(gallery).run()
    assert page.selectbox(key="sort-field-en").value == "date"
    assert dict(page.query_params)["k"] == "2"


def test_a_chinese_query_is_encoded_by_the_chinese_tower_if_the_bundle_has_one(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: dict[str, Any], opened_graphs: list[str]
) -> None:
    for chinese in (False, True):
        folder = tmp_path / str(chinese)
        shutil.copytree(photos, folder)
        Gallery.create(folder, Bundle.load(write_tiny_bundle(tmp_path / f"bundle-{chinese}", chinese=chinese))).index()
        monkeypatch.setenv(launch.GALLERY_VARIABLE, str(folder))
        new_session(lang="zh").run().text_input(key="q-field").set_value("红色").run()
        assert names(rendered)
        assert opened_graphs[-1] == ("text_model.zh.onnx" if chinese else "text_model.onnx")


def test_the_address_repeats_a_search_with_its_filters(page: AppTest, rendered: dict[str, Any]) -> None:
    page.query_params.update({"q": "red", "folder": "blue", "min_megapixels": "0.001", "type": "png", "lang": "zh"})
    page.run()
    assert set(colors(rendered)) == {"blue"}
    assert [chip["label"] for chip in rendered["chips"]["chips"]] == ["blue/", "≥ 0.001 百万像素", "PNG"]
    assert page.query_params["folder"] == "blue"
    assert "找到照片" in text_of(page)


def test_an_unknown_folder_in_the_address_is_an_error_that_names_the_closest(
    page: AppTest, rendered: dict[str, Any]
) -> None:
    page.query_params.update({"q": "red", "folder": "bleu"})
    page.run()
    assert "cards" not in rendered
    shown = html.unescape(text_of(page))
    assert "Folder: expected a folder of this gallery, found 'bleu'; the closest: 'blue'." in shown


def test_invalid_values_in_the_address_are_named_and_ignored(page: AppTest, rendered: dict[str, Any]) -> None:
    given = {"orientation": "round", "min_megapixels": "nan", "max_megapixels": "many", "taken_from": "May"}
    page.query_params.update({"q": "red", **given, "sort": "size", "names": "maybe", "k": "0"})
    page.run()
    assert "chips" not in rendered
    assert list(page.query_params) == ["q", "k"]
    shown = html.unescape(text_of(page))
    for reason in (
        "Orientation: expected landscape, portrait, square, found 'round'.",
        "Minimum megapixels: expected a number of at least 0, found nan.",
        "Maximum megapixels: expected a number, found 'many'.",
        "Taken from: expected a date like 2024, 2024-05 or 2024-05-17, found 'May'.",
        "Order: expected likeness or date, found 'size'.",
        "Names, titles and keywords: expected only or never, found 'maybe'.",
        "Number of photos: expected a number from 1 to 1000, found '0'.",
    ):
        assert reason in shown
    page.text_input(key="q-field").set_value("blue").run()
    assert "found 'round'" not in html.unescape(text_of(page))
    assert len(names(rendered)) == 24


@pytest.mark.parametrize("given", ["0123456789abcdef", "/", "../private"])
def test_an_unknown_gallery_in_the_address_is_named_and_ignored(page: AppTest, given: str) -> None:
    page.query_params["gallery"] = given
    page.run()
    shown = html.unescape(text_of(page))
    assert f"Gallery folder: expected a gallery that was opened on this computer, found {given!r}." in shown
    assert "24 photos" in shown
    assert "gallery" not in page.query_params


def test_another_gallery_begins_without_query_and_filters_and_a_link_opens_it(
    page: AppTest, indexed_with_demo: Path
) -> None:
    page.query_params.update({"q": "red", "folder": "red", "type": "png", "sort": "date"})
    page.run()
    page.text_input(key="gallery").input(str(indexed_with_demo)).run()
    assert page.text_input(key="q-field").value == ""
    assert list(page.query_params) == ["gallery"]
    link = new_session()
    link.query_params["gallery"] = page.query_params["gallery"]
    link.run()
    assert link.text_input(key="gallery").value == str(indexed_with_demo)
    assert not page.exception


def test_a_photo_to_describe_in_the_address_must_be_of_the_gallery(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery
) -> None:
    outside = gallery.photos.root.parent / "outside.png"
    Image.new("RGB", (30, 30), COLORS["red"]).save(outside)
    page.query_params.update({"view": "describe", "described": "../outside.png"})
    page.run()
    assert "no photo '../outside.png' in this gallery" in html.unescape(text_of(page)).lower()
    assert "<img" not in text_of(page)
    new_session(view="describe", described="red/red-0.png").run()
    assert "red-0.png" in str(rendered)


def test_a_photo_of_the_gallery_in_the_address_is_the_query(page: AppTest, rendered: dict[str, Any]) -> None:
    page.query_params["similar_to"] = "blue/blue-0.png"
    page.run()
    assert set(names(rendered)[:3]) == {f"blue-{number}.png" for number in (1, 2, 3)}
    assert "blue-0.png" not in names(rendered)
    [chip] = rendered["chips"]["chips"]
    assert (chip["id"], chip["label"], chip["name"]) == ("similar_to", "Similar to this", "similar to blue/blue-0.png")
    assert re.fullmatch(r"photo/[\w-]{16}/\d+/card", chip["picture"])


def test_an_unknown_photo_in_the_address_is_named(page: AppTest, rendered: dict[str, Any]) -> None:
    page.query_params["similar_to"] = "blue/none.png"
    page.run()
    assert rendered["chips"]["chips"] == [{"id": "similar_to", "label": "similar to blue/none.png"}]
    assert "no photo 'blue/none.png' in this gallery" in html.unescape(text_of(page)).lower()


def test_an_invalid_query_is_reported_with_its_reason(page: AppTest) -> None:
    page.run()
    for query, reason in (
        ("red +", "expected words after"),
        ("0:red", "weight above 0"),
        ("red - red", "cancel out"),
    ):
        page.text_input(key="q-field").set_value(query).run()
        assert "Invalid query" in text_of(page)
        assert reason in text_of(page).lower()
        assert not page.exception


def test_invalid_pasted_data_is_ignored() -> None:
    from photoseek.page import search_form

    state: dict[str, Any] = {}
    for pasted in (None, "text", {"name": "a"}, {"name": "a", "data": "no base64!"}, {"name": "a", "data": 3}):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search_form.st, "session_state", state)
            patch.setattr(search_form.components, "component_value", lambda *_, pasted=pasted: pasted)
            search_form.store_pasted()
    assert state == {}


@pytest.mark.parametrize(("address", "available"), [("127.0.0.1", True), ("0.0.0.0", False), ("", False)])
def test_indexing_is_available_on_loopback_only(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, address: str, available: bool
) -> None:
    import streamlit

    monkeypatch.setattr(streamlit, "get_option", lambda _: address)
    assert ("Index this folder" in [button.label for button in page.run().button]) is available


def test_names_are_searched_and_shown(page: AppTest, rendered: dict[str, Any]) -> None:
    page.run().text_input(key="q-field").set_value("blue 3").run()
    cards = {card["path"]: (card.get("word"), card.get("exact", "")) for card in rendered["cards"]["cards"]}
    name, exact = cards["blue/blue-3.png"]
    assert (name, "Confidence" in exact) == ("name", False)
    assert "blue/blue-3.png" in list(cards)[:2]
    names_field(page).select("only").run()
    assert names(rendered) == ["blue-3.png"]
    assert [chip["label"] for chip in rendered["chips"]["chips"]] == ["names only"]
    assert page.query_params["names"] in ("only", ["only"])
    names_field(page).select("never").run()
    assert not any(card.get("matched") for card in rendered["cards"]["cards"])
    assert not page.exception


def test_a_link_chooses_whether_names_are_searched(page: AppTest, rendered: dict[str, Any]) -> None:
    page.run()
    new_session(q="green 1", names="only").run()
    assert names(rendered) == ["green-1.png"]
    new_session(q="green 1", names="maybe").run()
    assert len(names(rendered)) > 1


def test_an_opened_photo_shows_its_date_and_where_that_is_from(
    page: AppTest, rendered: dict[str, Any], gallery: Gallery
) -> None:
    (gallery.photos.root / "red" / "red-1.png").rename(gallery.photos.root / "red" / "IMG_20190824_101112.png")
    gallery.index()
    page.run().text_input(key="q-field").set_value("IMG").run()
    shown = {card["path"]: card for card in rendered["cards"]["cards"]}["red/IMG_20190824_101112.png"]
    assert shown["date"] == "2019-08-24"
    assert ["Taken", "2019-08-24 10:11:12 (file name)"] in [list(fact) for fact in shown["facts"]]
