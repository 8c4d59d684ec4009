"""Filters, a photo seen alone, sentences, indexing, links, languages, keyboard: wide and on a teletab."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Server, watched_tab
from .walking import ASK, cards, choose_gallery, colors, is_wide, names, search, sidebar

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def test_filters_are_chosen_shown_as_chips_and_removed(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_label("Folder", exact=True).click()
    tab.get_by_role("option", name="blue", exact=True).click()
    chip = tab.get_by_role("button", name="Remove: blue")
    chip.wait_for()
    tab.wait_for_url("**/?q=red&folder=blue")
    tab.get_by_label("Taken from").fill("2024")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="No photo meets these filters").wait_for()
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Remove: from 2024").click()
    tab.get_by_role("heading", name="Nothing here seems to show that").wait_for()
    chip.click()
    cards(tab, "red-")
    tab.locator(".ps-chip").wait_for(state="detached")


def test_a_link_repeats_a_search_with_its_filters_and_language(tab: Page) -> None:
    tab.goto("/?q=blue&folder=blue&type=png&lang=zh")
    assert set(colors(cards(tab, "blue-"))) == {"blue"}
    assert tab.locator(".ps-chip bdi").all_inner_texts() == ["blue", "PNG"]
    tab.get_by_role("button", name="English").click()
    tab.wait_for_url("**/?q=blue&folder=blue&type=png&lang=en")
    tab.get_by_role("button", name="Filters").wait_for()


def test_the_language_is_first_that_of_the_browser(chromium: Browser, server: Server) -> None:
    with watched_tab(chromium, server, locale="zh-CN", viewport={"width": 390, "height": 844}) as page:
        page.goto("/")
        page.get_by_role("heading", name="搜索 28 张照片").wait_for()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_a_photo_is_seen_alone_and_searched_on_from_by_keyboard(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    tab.get_by_label(ASK).focus()
    for _ in range(12):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.shadowRoot?.activeElement?.className") == "ps-open":
            break
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    dialog.get_by_text("1 of").wait_for()
    first = dialog.locator("dd").first.inner_text()
    assert first.startswith("red/red-")
    assert dialog.locator(".ps-full img").evaluate("picture => picture.naturalWidth") == 48
    assert "48 × 36" in dialog.inner_text()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text("2 of").wait_for()
    dialog.locator("dd").first.filter(has_not_text=first).wait_for()
    dialog.get_by_role("button", name="Previous").click()
    dialog.get_by_text("1 of").wait_for()
    tab.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    tab.locator(".ps-open").first.click()
    dialog.get_by_role("button", name="More like this").click()
    chip = tab.get_by_role("button", name=f"Remove: like {first}")
    chip.wait_for()
    assert tab.get_by_label(ASK).input_value() == ""
    assert first.rpartition("/")[2] not in names(cards(tab, "red-"))
    chip.click()
    tab.get_by_text("Search 28 photos").wait_for()


def test_a_photo_of_the_gallery_is_described_by_its_captions(tab: Page, picture: Path) -> None:
    tab.goto("/?q=green&folder=green")
    cards(tab, "green-")
    tab.locator(".ps-open").first.click()
    tab.get_by_role("dialog").get_by_role("button", name="Describe it").click()
    sentences = tab.locator(".ps-sentences li")
    sentences.first.wait_for()
    assert sentences.first.inner_text().startswith("a green picture")
    tab.get_by_role("button", name="Remove: green").click()
    sentences.first.wait_for(state="detached")
    tab.locator("input[type=file]").last.set_input_files(picture)
    tab.locator(".ps-sentences li", has_text="a blue picture").first.wait_for()
    assert sentences.first.inner_text().startswith("a blue picture")


def test_a_folder_is_indexed_stopped_and_finished_from_the_page(tab: Page, unindexed: Path) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    choose_gallery(tab, unindexed)
    tab.get_by_role("heading", name="No gallery here").wait_for()
    with sidebar(tab) as side:
        side.get_by_role("button", name="Index this folder").click()
        side.get_by_text(re.compile(r"[1-9]\d* of 51 photos")).wait_for()
        side.get_by_role("button", name="Stop").click()
        side.get_by_text("Stopped. What was done is kept").wait_for()
        side.get_by_role("button", name="Index this folder").click()
        end = side.get_by_text("Up to date: 51 photos")
        end.wait_for(timeout=60_000)
        assert 0 < int(re.findall(r"\d+", end.inner_text())[1]) < 50
        assert side.locator(".ps-facts dd").all_inner_texts()[:3] == ["51", "50", "1"]
        side.get_by_text("Unreadable photos (1)").click()
        side.locator(".ps-unreadable li", has_text="broken.jpg").wait_for()
    assert tab.get_by_label(ASK).input_value() == "red"
    assert tab.locator(".ps-found span").first.inner_text() == "1 photo"
    assert tab.get_by_label("How many photos").input_value() == "Top 12"
    tab.get_by_role("tab", name="Describe a photo").click()
    tab.get_by_text("photoseek captions add FILE --gallery").wait_for()
    with sidebar(tab) as side:
        side.get_by_label("Recent galleries").click()
        tab.get_by_role("option", name="colours").click()
        side.locator(".ps-facts dd", has_text="28").first.wait_for()


def test_the_sidebar_tells_what_is_in_the_gallery(tab: Page, albums: Path) -> None:
    tab.goto("/")
    with sidebar(tab) as side:
        facts = side.locator(".ps-facts")
        facts.wait_for()
        told = dict(zip(facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts(), strict=True))
    assert (told["Photos"], told["Searchable"], told["Unreadable"], told["Captions"]) == ("29", "28", "1", "6")
    assert told["Bundle"] == "tiny"
    assert told["Recall@10"].endswith("%")
    assert told["Photo folder"] == str(albums / "colours")


def test_cards_and_buttons_stand_in_rows(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    boxes = [card.bounding_box() for card in cards(tab, "red-").locator("visible=true").all()]
    right = 1280 if is_wide(tab) else 390
    assert len({box["x"] for box in boxes if box}) == (3 if is_wide(tab) else 2)
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= right for box in boxes)
    buttons = [tab.get_by_role("button", name=name, exact=False).first for name in ("Photo", "Filters", "How to ask")]
    assert len({round(box["y"] / 20) for button in buttons if (box := button.bounding_box())}) == 1
    buttons[1].click()
    tab.get_by_label("Taken to").wait_for()
    tab.keyboard.press("Escape")
    search(tab, "blue")
    cards(tab, "blue-")
    tab.locator(".ps-open").first.click()
    tab.get_by_role("dialog").get_by_role("button", name="More like this").wait_for()
