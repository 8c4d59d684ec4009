"""The page without a query: photos by date, folders, examples of queries, and filters that match nothing."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import ExifTags, Image

from page_sessions import names, new_session, paths, text_of
from photoseek import Bundle, Gallery
from photoseek.page import facets, launch, paging, results
from photoseek.page.filter_state import filter_values
from tiny_bundle import COLORS, write_calibrated

pytest.importorskip("streamlit", reason="streamlit is not installed")

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture
def dated(gallery: Gallery, photos: Path, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """24 photos without a date in six folders, and 20 photos of 2021 and 2024 in subfolders of ``trips``."""
    for number in range(20):
        exif = Image.Exif()
        exif[ExifTags.Base.DateTime] = f"{2021 + 3 * (number % 2)}:0{1 + number % 4}:{number + 1:02} 10:00:00"
        folder = photos / "trips" / ("sea" if number % 3 else "hills")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (9 * number, 0, 9 * number)).save(folder / f"{number}.jpg", exif=exif)
    gallery.index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    rendered.clear()
    return photos


def labels(rendered: dict[str, Any], key: str = "facets") -> list[list[tuple[str, str]]]:
    return [[(each["label"], each["count"]) for each in group["buttons"]] for group in rendered[key]["groups"]]


def matches(rendered: dict[str, Any]) -> list[str | None]:
    """Return how well each photo matches, in the viewer."""
    return [dict(card["facts"]).get("Match") for card in rendered["cards"]["cards"]]


def sections(rendered: dict[str, Any]) -> list[str]:
    return [card["section"] for card in rendered["cards"]["cards"] if "section" in card]


@pytest.mark.usefixtures("dated")
def test_all_photos_are_shown_newest_first_under_their_dates_without_a_likeness(rendered: dict[str, Any]) -> None:
    page = new_session(k="44").run()
    assert "Search 44 photos" in text_of(page)
    assert "44 photos, newest first" in text_of(page)
    cards = rendered["cards"]["cards"]
    dates = [card["date"] for card in cards]
    assert dates == [*sorted(filter(None, dates), reverse=True), *[""] * 24]
    assert sections(rendered) == ["2024", "2021", "Without a date"]  # five photos of a month need no headings
    assert not any("word" in card or card["duplicates"] for card in cards)
    assert [name for name, _ in cards[0]["facts"]] == ["Taken", "Size", "Path"]
    assert rendered["cards"]["more"] is None
    assert not page.exception


@pytest.mark.usefixtures("dated")
def test_dates_and_folders_have_numbers_of_photos(rendered: dict[str, Any]) -> None:
    new_session().run()
    years, months, folders = labels(rendered)
    assert years == [("2024", "10"), ("2021", "10")]
    assert months == [("Feb", "5"), ("Apr", "5")]
    assert folders == sorted([*((color, "4") for color in COLORS), ("trips", "20")])
    assert rendered["facets"]["groups"][0]["note"] == "24 without a date"
    assert rendered["cards"]["more"] == "Show more"


@pytest.mark.usefixtures("dated")
def test_filters_without_a_query_show_what_they_match(rendered: dict[str, Any]) -> None:
    page = new_session(taken_from="2021-03", taken_to="2021-03", folder="trips/sea").run()
    assert sorted(names(rendered)) == ["10.jpg", "14.jpg", "2.jpg"]
    assert [chip["label"] for chip in rendered["chips"]["chips"]] == ["March 2021", "trips/sea/"]
    years, months, folders = rendered["facets"]["groups"]
    assert [each["label"] for each in years["buttons"] + months["buttons"] if each["pressed"]] == ["2021", "Mar"]
    assert [each["label"] for each in folders["path"]] == ["All folders", "trips", "sea"]
    assert folders["buttons"] == []
    assert "Search 44 photos" not in text_of(page)
    new_session(taken_from="2021-03", taken_to="2021-03", lang="zh").run()
    assert rendered["chips"]["chips"][0]["label"] == "2021年3月"


@pytest.fixture
def cameras(gallery: Gallery, photos: Path, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """24 photos without a camera, three of a Canon, and one of an iPhone."""
    for number, (make, model) in enumerate([("Canon", "Canon EOS R6")] * 3 + [("Apple", "iPhone 12")]):
        exif = Image.Exif()
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = make, model
        Image.new("RGB", (40, 30), (20 * number, 0, 20)).save(photos / f"camera {number}.jpg", exif=exif)
    gallery.index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    rendered.clear()
    return gallery


CANON = [f"camera {number}.jpg" for number in range(3)]


@pytest.mark.usefixtures("cameras")
@pytest.mark.parametrize(("language", "label"), [("en", "Camera"), ("zh", "相机")])
@pytest.mark.parametrize("query", [{}, {"q": "red"}])
def test_a_camera_is_chosen_from_those_of_the_gallery(
    query: dict[str, str], language: str, label: str, rendered: dict[str, Any]
) -> None:
    page = new_session(**query, lang=language, k="30").run()
    field = next(box for box in page.selectbox if box.label == label)
    assert field.options == ["Canon EOS R6 (3)", "Apple iPhone 12 (1)"]
    field.select("Canon EOS R6").run()
    assert sorted(names(rendered)) == CANON
    assert rendered["chips"]["chips"] == [{"id": "camera", "label": "Canon EOS R6"}]
    assert page.query_params["camera"] in ("Canon EOS R6", ["Canon EOS R6"])
    assert [label, "Canon EOS R6"] in [list(fact) for fact in rendered["cards"]["cards"][0]["facts"]]
    assert not page.exception


@pytest.mark.usefixtures("cameras")
def test_the_address_repeats_a_filter_by_camera(rendered: dict[str, Any]) -> None:
    new_session(camera="canon eos r6", q="red").run()
    assert sorted(names(rendered)) == CANON
    assert rendered["chips"]["chips"] == [{"id": "camera", "label": "canon eos r6"}]
    page = new_session(camera="Apple iPhone 12", type="png").run()
    assert "No photo matches these filters" in text_of(page)
    offered = [label for label in buttons(page) if "Without" in label]
    assert offered == ["Without “PNG”: 1", "Without “Apple iPhone 12”: 24"]


@pytest.mark.usefixtures("cameras")
@pytest.mark.parametrize(("language", "label"), [("en", "Camera"), ("zh", "相机")])
def test_an_unknown_camera_in_the_address_is_an_error_that_names_the_others(
    language: str, label: str, rendered: dict[str, Any]
) -> None:
    page = new_session(camera="Canon", lang=language).run()
    assert "cards" not in rendered
    expected = f"{label}: expected a camera of this gallery, found 'Canon'; it has 'Canon EOS R6', 'Apple iPhone 12'."
    assert expected in html.unescape(text_of(page))
    assert [chip["label"] for chip in rendered["chips"]["chips"]] == ["Canon"]
    rendered.clear()
    page = new_session(camera=" ", lang=language).run()
    assert f"{label}: expected the name of a camera" in html.unescape(text_of(page))
    assert "chips" not in rendered
    assert rendered["cards"]["cards"]


@pytest.mark.usefixtures("dated")
def test_a_gallery_whose_photos_have_no_camera_has_no_such_filter(rendered: dict[str, Any]) -> None:
    page = new_session().run()
    shown = [field.label for field in page.selectbox]
    assert "File type" in shown
    assert "Camera" not in shown
    assert not any("Camera" in dict(card["facts"]) for card in rendered["cards"]["cards"])


def test_a_date_and_a_folder_are_chosen_and_removed_by_their_buttons(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("photoseek.page.filter_state.st.session_state", state)
    for chosen, expected in (
        ({"kind": "date", "value": "2024"}, {"taken_from": "2024", "taken_to": "2024"}),
        ({"kind": "date", "value": "2024-02"}, {"taken_from": "2024-02", "taken_to": "2024-02"}),
        ({"kind": "folder", "value": "trips"}, {"folder": "trips", "taken_from": "2024-02", "taken_to": "2024-02"}),
        ({"kind": "date", "value": "2024-02"}, {"folder": "trips"}),
        ({"kind": "folder", "value": "trips/sea"}, {"folder": "trips/sea"}),
        ({"kind": "folder", "value": "trips/sea"}, {"folder": "trips"}),
        ({"kind": "folder", "value": ""}, {}),
        ({"kind": "date", "value": "soon"}, {}),
        ({"kind": "size", "value": "3"}, {}),
        ("2024", {}),
        (None, {}),
    ):
        monkeypatch.setattr(facets.components, "component_value", lambda *_, chosen=chosen: chosen)
        facets._choose("facets")
        assert filter_values() == expected, chosen


@pytest.mark.usefixtures("dated")
def test_a_link_shows_a_photo_in_its_folder_with_newer_and_older_ones(
    rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_session(folder="trips/sea").run()
    everything, photo = paths(rendered), "trips/sea/5.jpg"
    assert rendered["cards"]["at"] is None
    where = everything.index(photo)
    page = new_session(folder="trips/sea", at=photo, k="2").run()
    assert paths(rendered) == everything[: where + 2]  # a small folder is shown from its first photo
    assert rendered["cards"]["at"] == photo
    assert rendered["cards"]["more"] == "Show more"
    assert "Show newer" not in buttons(page)
    assert page.query_params["at"] in (photo, [photo])
    monkeypatch.setattr(paging, "_MOST_NEWER", 2)
    page = new_session(folder="trips/sea", at=photo, k="2").run()
    assert paths(rendered) == everything[where - 2 : where + 2]
    assert f"{len(everything)} photos, newest first" in text_of(page)
    page.session_state["k"] += 3
    page.run()
    assert paths(rendered) == everything[where - 2 : where + 5]
    while "Show newer" in buttons(page):
        page.button(key="newer-photos").click().run()
    assert paths(rendered) == everything[: where + 5]


@pytest.mark.usefixtures("dated")
def test_another_question_leaves_the_photo_and_another_photo_begins_around_it(rendered: dict[str, Any]) -> None:
    page = new_session(folder="trips", at="trips/sea/5.jpg", k="40").run()
    page.session_state["at"] = "trips/hills/9.jpg"
    page.run()
    assert (rendered["cards"]["at"], page.session_state["k"]) == ("trips/hills/9.jpg", 24)
    page.text_input(key="q-field").set_value("red").run()
    assert "at" not in page.query_params
    page.text_input(key="q-field").set_value("").run()
    assert rendered["cards"]["at"] is None


@pytest.mark.usefixtures("dated")
def test_a_photo_that_is_not_in_the_list_is_ignored(rendered: dict[str, Any]) -> None:
    new_session(folder="trips/sea", k="3").run()
    first = paths(rendered)
    for at in ("trips/sea/none.jpg", "trips/hills/9.jpg", "x" * 5000):
        page = new_session(folder="trips/sea", k="3", at=at).run()
        assert paths(rendered) == first
        assert not page.exception


@pytest.mark.usefixtures("dated")
def test_the_ids_of_all_photos_are_sent_once_when_they_are_wanted(
    rendered: dict[str, Any], gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = new_session(folder="trips", k="3").run()
    assert rendered["cards"]["selection"]["found"] == {"label": "Select all 20"}
    page.session_state["select-found"] = True
    page.run()
    found = rendered["cards"]["selection"]["found"]
    paths_of = {photo: path for photo, (path, *_) in gallery.database.contents_of(found["ids"]).items()}
    assert len(set(found["ids"])) == 20
    assert {path.partition("/")[0] for path in paths_of.values()} == {"trips"}
    page.run()
    assert rendered["cards"]["selection"]["found"] == {"label": "Select all 20"}
    new_session(folder="trips").run()
    assert rendered["cards"]["selection"]["found"] is None  # all are shown
    new_session(q="red", k="3").run()
    assert rendered["cards"]["selection"]["found"] is None  # a bundle without calibration has no line
    monkeypatch.setattr("photoseek.page.selection.MOST_FOUND", 19)
    new_session(folder="trips", k="3").run()
    assert rendered["cards"]["selection"]["found"] is None


@pytest.mark.parametrize(
    ("path", "filters"),
    [("trips/sea/5.jpg", {"folder": "trips/sea"}), ("5.jpg", {}), ("a / b/ö\uef80/5.jpg", {"folder": "a / b/ö\uef80"})],
)
def test_the_folder_of_a_photo_replaces_the_query_and_its_filters(
    path: str, filters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, Any] = {"q": "red", "similar_to": "b.jpg", "filter-type": "png", "filter-names": "only"}
    monkeypatch.setattr("photoseek.page.filter_state.st.session_state", state)
    monkeypatch.setattr(results.components, "component_value", lambda *_: {"action": "folder", "path": path})
    results.choose()
    assert filter_values() == filters
    assert [state[name] for name in ("at", "q", "similar_to", "photo", "view")] == [path, "", None, None, "find"]


def buttons(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


@pytest.mark.usefixtures("dated")
@pytest.mark.parametrize("query", [{}, {"q": "red"}])
def test_filters_that_match_nothing_offer_to_remove_one(query: dict[str, str], rendered: dict[str, Any]) -> None:
    page = new_session(**query, folder="trips/sea", type="png", taken_from="2024").run()
    assert "No photo matches these filters" in text_of(page)
    offered: Sequence[str] = [label for label in buttons(page) if "Without" in label]
    assert offered == ["Without “PNG”: 7"]
    next(button for button in page.button if button.label == offered[0]).click().run()
    assert {name.partition(".")[2] for name in names(rendered)} == {"jpg"}
    assert "cards" in rendered
    assert "type" not in page.query_params


def test_a_gallery_without_dates_and_folders_has_no_buttons_for_them(
    photos: Path, tmp_path: Path, tiny_bundle: Bundle, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    (photos / "red" / "red-0.png").rename(flat / "red-0.png")
    Gallery.create(flat, tiny_bundle).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(flat))
    page = new_session().run()
    assert "facets" not in rendered
    assert names(rendered) == ["red-0.png"]
    assert sections(rendered) == []
    assert "1 photo" in text_of(page)


def test_examples_appear_when_they_are_found_and_a_click_searches(
    photos: Path, tmp_path: Path, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Gallery.create(photos, Bundle.load(write_calibrated(tmp_path / "calibrated"))).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session().run()
    assert names(rendered)  # without waiting for examples
    end = time.monotonic() + 30
    while "red car" not in buttons(page) and time.monotonic() < end:
        time.sleep(0.2)
        page.run()
    next(button for button in page.button if button.label == "red car").click().run()
    assert page.text_input(key="q-field").value == "red car"
    assert names(rendered)[0].startswith("red-")


def test_an_error_in_finding_examples_is_logged_and_not_shown(
    photos: Path,
    tmp_path: Path,
    rendered: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> list[str]:
        raise RuntimeError("internal details")

    Gallery.create(photos, Bundle.load(write_calibrated(tmp_path / "calibrated"))).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    monkeypatch.setattr("photoseek.page.examples.find_examples", fail)
    page = new_session().run()
    end = time.monotonic() + 30
    while "internal details" not in caplog.text and time.monotonic() < end:
        time.sleep(0.05)
    page.run()
    assert "cannot find examples" in caplog.text
    assert "internal details" not in text_of(page)
    assert names(rendered)
    assert not page.exception


def test_probable_mismatches_are_below_a_line(
    photos: Path, tmp_path: Path, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Gallery.create(photos, Bundle.load(write_calibrated(tmp_path / "calibrated"))).index()
    monkeypatch.setenv(launch.GALLERY_VARIABLE, str(photos))
    page = new_session(q="red", names="never").run()
    cards = rendered["cards"]["cards"]
    words = matches(rendered)
    at = words.index("Less likely")
    assert at > 0
    assert set(words[:at]) <= {"Very likely", "Likely", None}
    assert set(words[at:]) == {"Less likely"}
    assert [number for number, card in enumerate(cards) if "section" in card] == [at]
    assert {card.get("word") for card in cards[at:]} == {None}
    assert [card.get("word") for card in cards[:at]] == words[:at]
    assert f"{at} photo{'s match' if at > 1 else ' matches'}, {len(cards) - at} are less likely" in text_of(page)
    new_session(q="red", names="never", sort="date").run()
    assert matches(rendered) == words
    page = new_session(q="red", names="never", k=str(at + 1)).run()
    assert ", 1+ are less likely" in text_of(page)
    page = new_session(q="zebra").run()
    assert sections(rendered) == ["Less likely"]
    assert f"No photo clearly matches, {len(rendered['cards']['cards'])} are less likely" in text_of(page)
    assert "unknown to the model: zebra" in text_of(page)
    assert not any("word" in card for card in rendered["cards"]["cards"])
    page = new_session(q="zebra 斑马 red", names="never", lang="zh").run()
    assert "不能读：斑马（模型能读英文）" in text_of(page)
