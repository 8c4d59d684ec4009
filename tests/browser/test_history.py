"""Back and Forward of the browser on the page, wide and on a phone: each step is one entry, as on any web page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .actions import QUERY, cards, expect, heading, search, upload

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def more_like_the_first(tab: Page) -> str:
    """Search for photos like the first one, and return its name."""
    card = tab.locator(".ps-open").first
    name = str(card.locator(".ps-path").text_content())
    card.click()
    tab.get_by_role("dialog", name="Photo").get_by_role("button", name="More like this").click()
    tab.get_by_role("button", name="Remove: similar to").wait_for()
    return name


def entries(tab: Page) -> int:
    return int(tab.evaluate("history.length"))


def test_back_and_forward_repeat_each_step_and_leave_the_address_alone(tab: Page) -> None:
    tab.goto("/")
    heading(tab, "Search 28 photos").wait_for()
    first = entries(tab)
    search(tab, "red")
    tab.wait_for_url("**/?q=red")
    cards(tab, "red-")
    more_like_the_first(tab)
    tab.wait_for_url(re.compile("similar_to=red"))
    tab.get_by_role("tab", name="Describe a photo").click()
    tab.wait_for_url(re.compile("&view=describe$"))
    tab.get_by_role("tab", name="Near-duplicates").click()
    tab.wait_for_url(re.compile("&view=duplicates$"))
    assert entries(tab) == first + 4
    tab.go_back()
    heading(tab, "What does the photo show?").wait_for()
    tab.go_back()
    tab.get_by_role("button", name="Remove: similar to").wait_for()
    tab.go_back()
    expect(tab.get_by_label(QUERY)).to_have_value("red")
    cards(tab, "red-")
    expect(tab.locator(".ps-chip")).to_have_count(0)
    tab.wait_for_timeout(700)  # a page that overwrites the address does it after the script has run
    assert tab.url.endswith("/?q=red")
    tab.go_back()
    heading(tab, "Search 28 photos").wait_for()
    expect(tab.get_by_label(QUERY)).to_have_value("")
    tab.wait_for_timeout(700)
    assert tab.url.endswith("/")
    tab.go_forward()
    cards(tab, "red-")
    assert tab.url.endswith("/?q=red")
    assert entries(tab) == first + 4


def test_back_restores_filters_and_more_photos_without_entries_for_paging(tab: Page) -> None:
    tab.goto("/?q=red&k=3")
    cards(tab, "red-")
    first = entries(tab)
    tab.get_by_role("button", name="Show more").click()
    tab.wait_for_url("**/?q=red&k=27")
    tab.get_by_role("button", name="Show more").wait_for(state="detached")
    shown = tab.locator(".ps-card").count()
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_label("Folder", exact=True).click()
    tab.get_by_role("option", name="blue (4)", exact=True).click()
    tab.wait_for_url("**/?q=red&folder=blue")
    tab.get_by_role("button", name="Remove: blue").wait_for()
    tab.keyboard.press("Escape")
    assert entries(tab) == first + 1
    tab.go_back()
    expect(tab.locator(".ps-chip")).to_have_count(0)
    expect(tab.locator(".ps-card")).to_have_count(shown)
    assert tab.url.endswith("/?q=red&k=27")
    tab.go_forward()
    tab.get_by_role("button", name="Remove: blue").wait_for()


def test_back_closes_the_viewer_and_leaves_the_search_alone(tab: Page) -> None:
    tab.goto("/?q=blue")
    cards(tab, "blue-")
    search(tab, "red")
    tab.wait_for_url("**/?q=red")
    cards(tab, "red-")
    first = entries(tab)
    viewer = tab.get_by_role("dialog", name="Photo")
    for close in (tab.go_back, lambda: tab.keyboard.press("Escape"), viewer.get_by_role("button", name="Close").click):
        tab.locator(".ps-open").first.click()
        viewer.wait_for()
        assert entries(tab) == first + 1
        close()
        expect(viewer).to_have_count(0)
        expect(tab.locator(".ps-open").first).to_be_focused()
    tab.wait_for_timeout(700)
    assert tab.url.endswith("/?q=red")
    cards(tab, "red-")
    tab.go_back()
    cards(tab, "blue-")
    tab.wait_for_url("**/?q=blue")


def test_back_closes_the_viewer_and_restores_an_uploaded_photo(tab: Page, picture: Path) -> None:
    tab.goto("/")
    upload(tab, picture)
    cards(tab, "blue-")
    more_like_the_first(tab)
    cards(tab, "blue-")
    tab.locator(".ps-open").first.click()
    tab.get_by_role("dialog", name="Photo").wait_for()
    tab.go_back()
    expect(tab.get_by_role("dialog", name="Photo")).to_have_count(0)
    tab.get_by_role("button", name="Remove: similar to").wait_for()
    tab.go_back()
    tab.get_by_role("button", name="Remove: query.jpg").wait_for()
    cards(tab, "blue-")


def test_closing_similar_returns_to_what_it_came_from(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    more_like_the_first(tab)
    tab.wait_for_url(re.compile("similar_to=red"))
    tab.get_by_role("button", name="Remove: similar to").click()
    tab.wait_for_url("**/?q=red")
    expect(tab.get_by_label(QUERY)).to_have_value("red")
    cards(tab, "red-")
    tab.go_back()
    tab.get_by_role("button", name="Remove: similar to").wait_for()
