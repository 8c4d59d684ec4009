"""Filters, a photo seen alone, sentences, indexing, links, languages, keyboard: wide and on a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Server, watched_tab
from .walking import ASK, cards, choose_gallery, colours, names, search

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
    assert tab.locator(".ps-chip").count() == 0


def test_a_link_repeats_a_search_with_its_filters_and_language(tab: Page) -> None:
    tab.goto("/?q=blue&folder=blue&type=png&lang=zh")
    assert set(colours(cards(tab, "blue-"))) == {"blue"}
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
    assert dialog.locator("dd").first.inner_text() != first
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


def test_a_photo_of_the_gallery_is_described_by_its_captions(phone: Page, picture: Path) -> None:
    phone.goto("/?q=green&folder=green")
    cards(phone, "green-")
    phone.locator(".ps-open").first.click()
    phone.get_by_role("dialog").get_by_role("button", name="Describe it").click()
    sentences = phone.locator(".ps-sentences li")
    sentences.first.wait_for()
    assert sentences.first.inner_text().startswith("a green picture")
    phone.get_by_role("button", name="Remove: green").click()
    sentences.first.wait_for(state="detached")
    phone.locator("input[type=file]").last.set_input_files(picture)
    phone.locator(".ps-sentences li", has_text="a blue picture").first.wait_for()
    assert sentences.first.inner_text().startswith("a blue picture")
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_a_folder_is_indexed_stopped_and_finished_from_the_page(tab: Page, albums: Path) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    choose_gallery(tab, albums / "new")
    tab.get_by_role("heading", name="No gallery here").wait_for()
    tab.get_by_role("button", name="Index this folder").click()
    tab.get_by_text("Up to date: 61 photos, 60 new").wait_for()
    found = tab.locator(".ps-facts dd").all_inner_texts()
    assert found[:3] == ["61", "60", "1"]
    tab.get_by_text("Unreadable photos (1)").click()
    tab.locator(".ps-unreadable li", has_text="broken.jpg").wait_for()
    tab.get_by_role("tab", name="Describe a photo").click()
    tab.get_by_text("photoseek captions add FILE --gallery").wait_for()
    tab.get_by_label("Recent galleries").click()
    tab.get_by_role("option", name="colours").click()
    tab.locator(".ps-facts dd", has_text="28").first.wait_for()


def test_the_sidebar_tells_what_is_in_the_gallery(tab: Page, albums: Path) -> None:
    tab.goto("/")
    facts = tab.locator(".ps-facts")
    facts.wait_for()
    told = dict(zip(facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts(), strict=True))
    assert (told["Photos"], told["Searchable"], told["Unreadable"], told["Captions"]) == ("29", "28", "1", "6")
    assert told["Bundle"] == "tiny"
    assert told["Recall@10"].endswith("%")
    assert told["Photo folder"] == str(albums / "colours")


def test_the_page_fits_a_telephone(phone: Page) -> None:
    phone.goto("/?q=red&k=50")
    boxes = [card.bounding_box() for card in cards(phone, "red-").locator("visible=true").all()]
    assert len({box["x"] for box in boxes if box}) == 2
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390
    buttons = [phone.get_by_role("button", name=name, exact=False).first for name in ("Photo", "Filters", "How to ask")]
    assert len({round(box["y"] / 20) for button in buttons if (box := button.bounding_box())}) == 1
    buttons[1].click()
    phone.get_by_label("Taken to").wait_for()
    phone.keyboard.press("Escape")
    search(phone, "blue")
    cards(phone, "blue-")
    phone.locator(".ps-open").first.click()
    phone.get_by_role("dialog").get_by_role("button", name="More like this").wait_for()
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390
