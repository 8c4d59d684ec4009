"""Search on the page in a real browser, wide and on a phone: texts, photos, filters and links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .actions import (
    cards,
    colors,
    drag,
    expect,
    heading,
    is_wide,
    names,
    new_file,
    paste,
    search,
    upload,
    wait_until,
)
from .conftest import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SUMMARY = (
    r"\d+ photos?(, best first| match(es)?, \d+\+? (is|are) less likely)?.*Details.*28 photos searched.*fp32 · exact.*"
    r"query encoded in [\d.]+ ms.*searched in [\d.]+ ms"
)


def test_a_text_finds_photos_with_near_duplicates_behind_them(tab: Page) -> None:
    tab.goto("/")
    heading(tab, "Search 28 photos").wait_for()
    search(tab, "blue")
    cards(tab, "blue-")
    search(tab, "   ")
    heading(tab, "Search 28 photos").wait_for()
    search(tab, "a red picture")
    found = cards(tab, "red-")
    assert set(names(found)[:4]) == {f"red-{number}.png" for number in range(4)}
    visible = found.locator("visible=true")
    words = visible.locator(".ps-match")
    exact = words.evaluate_all("marks => marks.map(mark => mark.title)")
    scores = [float(each.rpartition(" ")[2]) for each in exact]
    assert scores == sorted(scores, reverse=True)
    assert re.match("Confidence 9[234] % · Cosine 0", exact[0])
    expect(words.first).to_have_text("Very likely")
    found.first.locator("img").wait_for()
    expect(found.first.locator("img")).to_have_js_property("naturalWidth", 48)
    tab.locator(".ps-found summary").click()
    assert re.fullmatch(SUMMARY, tab.inner_text(".ps-found").replace("\n", " "))
    before = visible.count()
    found.first.get_by_role("button", name="+3 similar").click()
    expect(visible).to_have_count(before + 3)
    found.first.get_by_role("button", name="Show fewer").click()
    expect(visible).to_have_count(before)


def test_probable_mismatches_are_below_a_line_and_invalid_queries_are_explained(tab: Page) -> None:
    tab.goto("/?q=zzz&k=2")
    tab.get_by_text("unknown to the model: zzz").wait_for()
    expect(tab.locator(".ps-card").locator("visible=true")).to_have_count(2)
    assert tab.locator(".ps-match").count() == 0
    search(tab, "a picture")
    tab.get_by_text("No photo clearly matches").wait_for()
    heading(tab, "Less likely").wait_for()
    tab.locator(".ps-card").first.locator("img").wait_for()
    search(tab, "red")
    boxes = [card.bounding_box() for card in cards(tab, "red-").locator("visible=true").all()]
    line = heading(tab, "Less likely").bounding_box()
    assert line is not None
    above = [box for box in boxes if box is not None and box["y"] < line["y"]]
    assert 0 < len(above) < len(boxes)
    search(tab, "red +")
    heading(tab, "Invalid query").wait_for()
    tab.get_by_role("button", name="Query syntax").click()
    tab.get_by_text("the red car with twice the weight").wait_for()
    tab.keyboard.press("Escape")
    search(tab, "yellow - 2:red")
    heading(tab, "Invalid query").wait_for(state="detached")
    tab.locator(".ps-found").get_by_text("without: red").wait_for()
    assert tab.locator(".ps-error").count() == 0
    search(tab, "green")
    expect(cards(tab, "green-").locator("visible=true")).to_have_count(7)  # a link's k is of its own question


def test_more_photos_are_added_below_by_keyboard_and_sorted_by_date(tab: Page) -> None:
    tab.goto("/?q=red&k=3")
    visible = cards(tab, "red-").locator("visible=true")
    expect(visible).to_have_count(3)
    before = names(visible)
    visible.first.evaluate("card => { card.dataset.kept = 'yes' }")
    more = tab.get_by_role("button", name="Show more")
    more.focus()
    tab.keyboard.press("Enter")
    more.wait_for(state="detached")
    assert names(visible)[:3] == before
    assert visible.count() > 6
    assert visible.first.get_attribute("data-kept") == "yes"
    focused = visible.nth(3).locator(".ps-open")
    expect(focused).to_be_focused()
    tab.wait_for_url("**/?q=red&k=27")
    tab.get_by_label("Order").click()
    tab.get_by_role("option", name="Newest first").click()
    tab.wait_for_url("**/?q=red&k=27&sort=date")
    expect(tab.locator(".st-key-sort-field-en input").first).to_have_value("Newest first")
    search(tab, "green")
    tab.wait_for_url("**/?q=green&sort=date")


def test_the_order_stays_when_the_language_changes(tab: Page) -> None:
    tab.goto("/?q=red&sort=date")
    chinese, english = ("中文", "zh", "最新优先"), ("English", "en", "Newest first")
    for button, code, shown in (chinese, english, chinese):
        tab.get_by_role("button", name=button).click()
        tab.wait_for_url(f"**/?q=red&sort=date&lang={code}")
        expect(tab.locator("[class*=st-key-sort-field] input").first).to_have_value(shown)


def test_a_photo_is_a_query_alone_or_with_a_text(tab: Page, picture: Path, tmp_path: Path) -> None:
    tab.goto("/?q=green")
    upload(tab, picture)
    tab.wait_for_url("**/")  # without the text of the last query
    cards(tab, "blue-").first.wait_for()
    assert set(names(cards(tab, "blue-"))[:4]) == {f"blue-{number}.png" for number in range(4)}
    search(tab, "red")
    purple = {"vanished.png", *(name.rpartition("/")[2] for name in HOSTILE)}  # between red and blue
    tab.wait_for_url("**/?q=red")
    wait_until(tab, lambda: bool(set(names(tab.locator(".ps-card"))[:5]) & purple))  # the cards of blue were there
    tab.get_by_role("button", name="Remove: query.jpg").click()
    tab.locator(".ps-chip").wait_for(state="detached")  # the cards of red may be the previous ones
    cards(tab, "red-")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    upload(tab, broken)
    heading(tab, "Cannot read this file as a photo").wait_for()
    expect(tab.locator(".ps-card")).to_have_count(0)
    assert "not a photo of a known format" in tab.inner_text(".ps-error").lower()


def test_a_pasted_picture_is_a_query(tab: Page) -> None:
    from playwright.sync_api import Error

    tab.goto("/")
    heading(tab, "Search 28 photos").wait_for()
    chip = tab.get_by_role("button", name="Remove: pasted.png")
    for _ in range(20):  # the component that listens draws nothing to wait for
        paste(tab)
        try:
            chip.wait_for(timeout=1_000)
            break
        except Error:
            continue
    cards(tab, "green-")
    assert chip.inner_text().startswith("pasted.png")


def test_a_photo_dropped_anywhere_is_a_query_and_other_files_are_refused(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    wait_until(tab, lambda: drag(tab, "dragover"))
    tab.get_by_text("Drop the photo to search with it").wait_for()
    tab.get_by_text("Drop the photo to search with it").wait_for(state="hidden")  # no more dragover
    assert drag(tab, "drop", new_file("notes.txt"))
    tab.get_by_text("This file is not a photo of a known format").wait_for()
    assert drag(tab, "drop", new_file("large.NEF", 20_000_001))
    tab.get_by_text("This file is larger than 20 MB").wait_for()
    assert tab.locator(".ps-chip").count() == 0
    assert drag(tab, "drop")
    tab.get_by_role("button", name="Remove: pasted.png").wait_for()
    search(tab, "")
    cards(tab, "green-")
    assert not drag(tab, "dragover", "new DataTransfer()")  # a photo of the page itself


def test_cards_show_any_name_as_text_missing_photos_with_a_note_and_whole_photos_in_even_rows(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    found = cards(tab, "red-")
    paths = found.locator(".ps-path")
    assert set(HOSTILE) <= set(paths.evaluate_all("paths => paths.map(path => path.title)"))
    assert {path.rpartition("/")[2] for path in HOSTILE} <= set(paths.all_text_contents())
    missing = found.filter(has_text="vanished.png")
    assert "no longer exists" in str(missing.text_content())
    assert missing.locator("img").count() == 0
    visible = found.locator("visible=true")
    boxes = visible.evaluate_all("cards => cards.map(card => card.getBoundingClientRect().toJSON())")
    right = 1280 if is_wide(tab) else 390
    assert len(boxes) > 5
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= right for box in boxes)
    rows = {
        round(box["y"]): {round(each["height"]) for each in boxes if abs(each["y"] - box["y"]) < 1} for box in boxes
    }
    assert all(max(heights) - min(heights) <= 1 for heights in rows.values())
    frame = found.filter(has_text="red-").first.locator(".ps-photo").bounding_box()
    assert frame is not None
    assert frame["width"] / frame["height"] == pytest.approx(48 / 36, abs=0.02)
    for line in visible.locator(".ps-path").all():
        box = line.bounding_box()
        assert box is not None
        assert box["height"] < 24  # one line, also of a long name
    buttons = [tab.get_by_role("button", name=name, exact=False).first for name in ("Photo", "Filters", "Query syntax")]
    assert len({round(box["y"] / 20) for button in buttons if (box := button.bounding_box())}) == 1


def test_photos_have_urls_that_the_browser_keeps_and_other_hosts_and_visitors_cannot_use(tab: Page) -> None:
    tab.goto("/?q=red")
    image = cards(tab, "red-").first.locator("img")
    expect(image).to_have_js_property("complete", True)
    address = str(image.evaluate("image => image.currentSrc"))
    assert re.search(r":\d+/photo/[\w-]{16}/\d+/card$", address)
    answer = tab.request.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cache-control"].startswith("private")
    known = {"If-None-Match": answer.headers["etag"]}
    assert tab.request.get(address, headers=known).status == 304
    assert tab.request.get(address, headers={"Cookie": "photoseek=1"}).status == 401


def test_filters_are_chips_that_a_click_removes(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_label("Folder", exact=True).click()
    tab.get_by_role("option", name="blue (4)", exact=True).click()
    chip = tab.get_by_role("button", name="Remove: blue")
    chip.wait_for()
    tab.wait_for_url("**/?q=red&folder=blue")
    tab.get_by_label("Taken from").fill("2024")
    tab.keyboard.press("Enter")
    heading(tab, "No photo matches these filters").wait_for()
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Without “from 2024”: 4").click()
    heading(tab, "Less likely").wait_for()
    assert set(colors(cards(tab, "blue-"))) == {"blue"}
    chip.click()
    cards(tab, "red-")
    tab.locator(".ps-chip").wait_for(state="detached")


def test_a_filter_stays_when_the_language_changes(tab: Page) -> None:
    tab.goto("/?q=blue")
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_label("File type").click()
    tab.get_by_role("option", name="PNG").click()
    tab.wait_for_url("**/?q=blue&type=png")
    tab.keyboard.press("Escape")
    for button, code in (("中文", "zh"), ("English", "en"), ("中文", "zh")):
        tab.get_by_role("button", name=button).click()
        tab.wait_for_url(f"**/?q=blue&type=png&lang={code}")
        expect(tab.locator(".ps-chip bdi")).to_have_text(["PNG"])
        assert tab.locator(".ps-error").count() == 0


def test_a_link_repeats_a_search_with_its_filters_and_language(tab: Page) -> None:
    tab.goto("/?q=blue&folder=blue&type=png&lang=zh")
    assert set(colors(cards(tab, "blue-"))) == {"blue"}
    assert tab.locator(".ps-chip bdi").all_inner_texts() == ["blue/", "PNG"]
    tab.get_by_role("button", name="English").click()
    tab.wait_for_url("**/?q=blue&folder=blue&type=png&lang=en")
    tab.get_by_role("button", name="Filters").wait_for()


def test_photos_have_their_place_before_they_are_drawn(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    assert tab.locator("[data-drawn]").count() == 1
    tab.evaluate("document.querySelector('[data-drawn]').removeAttribute('data-drawn')")
    height = tab.locator(".st-key-cards").evaluate(
        "cards => parseFloat(getComputedStyle(cards).minHeight) / innerHeight"
    )
    assert height == pytest.approx(0.7, abs=0.01)
