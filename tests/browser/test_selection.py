"""Selected photos on the page: marks, ranges, keys, and what can be done with them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Gallery, Searcher

from .actions import cards, expect, is_wide, names, search
from .conftest import watched_tab
from .test_viewer import open_first

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

    from .conftest import Server

pytestmark = pytest.mark.browser


def shown(tab: Page, query: str = "red") -> Locator:
    """Search, and return the visible cards."""
    tab.goto(f"/?q={query}")
    return cards(tab, f"{query}-").locator("visible=true")


def mark(card: Locator, **options: object) -> None:
    card.hover()
    card.get_by_role("checkbox").click(**options)  # type: ignore[arg-type]


def bar(tab: Page) -> Locator:
    return tab.get_by_role("region", name="Selected photos")


def selected(tab: Page) -> list[str]:
    return names(tab.locator(".ps-selected"))


def test_marks_select_photos_and_ranges(tab: Page) -> None:
    found = shown(tab)
    order = names(found)
    expect(bar(tab)).to_be_hidden()
    frames = found.locator(".ps-photo")  # the first one has near-duplicates
    expect(found.first.get_by_role("button", name="+3 similar")).to_be_visible()
    mark(found.first)
    expect(frames.first).to_have_css("outline-color", "rgb(15, 148, 136)")
    expect(frames.first).to_have_css("outline-style", "solid")
    mark(found.first)
    expect(frames.first).to_have_css("outline-style", "none")
    mark(found.nth(1))
    expect(bar(tab).get_by_role("status").first).to_have_text("1 selected")
    expect(found.nth(1).get_by_role("checkbox")).to_be_checked()
    mark(found.nth(4), modifiers=["Shift"])
    assert selected(tab) == order[1:5]
    found.nth(0).locator(".ps-open").click(modifiers=["Control"])
    mark(found.nth(2))
    assert selected(tab) == [*order[:2], *order[3:5]]
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(bar(tab)).to_be_in_viewport(ratio=1)
    bar(tab).get_by_role("button", name=f"Select all {len(order)}").click()
    assert selected(tab) == [each for each in order if each != "vanished.png"]
    bar(tab).get_by_role("button", name="Clear the selection").click()
    assert selected(tab) == []
    expect(bar(tab)).to_be_hidden()


def test_keys_select_photos(tab: Page) -> None:
    found = shown(tab)
    order = names(found)
    found.first.locator(".ps-open").focus()
    tab.keyboard.press("x")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Shift+X")
    assert selected(tab) == order[:3]
    tab.keyboard.press("x")
    assert selected(tab) == order[:2]
    tab.keyboard.press("Control+a")
    assert len(selected(tab)) == len(order)
    tab.keyboard.press("Escape")
    assert selected(tab) == []


def test_the_viewer_selects_and_a_selection_outlives_a_search(tab: Page) -> None:
    viewer = open_first(tab)
    tab.keyboard.press("x")
    select = viewer.get_by_role("button", name="Select")
    expect(select).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("ArrowRight")
    expect(select).to_have_attribute("aria-pressed", "false")
    select.click()
    expect(select).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("Escape")
    assert len(selected(tab)) == 2
    search(tab, "green")
    cards(tab, "green-")
    expect(bar(tab).get_by_role("status").first).to_contain_text("2 selected")
    mark(tab.locator(".ps-card").first)
    expect(bar(tab).get_by_role("status").first).to_contain_text("3 selected")


def test_selected_photos_are_downloaded_as_a_zip(tab: Page, albums: Path, tmp_path: Path) -> None:
    found = shown(tab)
    wanted = names(found)[:3]
    mark(found.first)
    mark(found.nth(2), modifiers=["Shift"])
    with tab.expect_download() as download:
        bar(tab).get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "photos.zip"
    download.value.save_as(tmp_path / "photos.zip")
    with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
        assert archive.namelist() == wanted
        for name in wanted:
            assert archive.read(name) == next((albums / "colors").rglob(name)).read_bytes()


def test_the_paths_of_selected_photos_are_copied(
    signed_in: dict[str, BrowserContext], server: Server, albums: Path
) -> None:
    context = signed_in["wide"]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    with watched_tab(context, server) as tab:
        found = shown(tab)
        mark(found.nth(1))
        mark(found.first)  # the paths are in the order shown
        bar(tab).get_by_role("button", name="Copy paths").click()
        bar(tab).get_by_text("Copied").wait_for()
        expected = [str(next((albums / "colors").rglob(name))) for name in names(found)[:2]]
        assert tab.evaluate("navigator.clipboard.readText()").splitlines() == expected


def test_near_duplicates_are_selected_only_where_they_are_shown(tab: Page) -> None:
    found = shown(tab, "red")
    stack = tab.locator(".ps-stack").first
    mark(found.first)
    tab.keyboard.press("Escape")
    everything = names(found)
    found.first.locator(".ps-open").focus()
    tab.keyboard.press("Control+a")
    assert selected(tab) == [name for name in everything if name != "vanished.png"]
    stack.locator(".ps-duplicates").click()
    button = bar(tab).get_by_role("button", name="Select all")
    expect(button).to_be_visible()
    button.click()
    assert len(selected(tab)) > len(everything)


def test_the_bar_is_in_chinese(tab: Page) -> None:
    tab.goto("/?q=red&lang=zh")
    found = cards(tab, "red-")
    mark(found.first)
    region = tab.get_by_role("region", name="已选照片")
    expect(region.get_by_role("status").first).to_have_text("已选 1 张")
    if is_wide(tab):
        box = region.bounding_box()
        assert box is not None
        assert box["height"] < 80  # one row


def test_all_that_probably_match_are_selected_without_being_shown(tab: Page, albums: Path) -> None:
    tab.goto("/?q=red&k=1&names=never")
    found = cards(tab, "red-").locator("visible=true")
    expect(found).to_have_count(1)
    mark(found.first)
    more = bar(tab).get_by_role("button", name="Select all found")
    more.click()
    expect(more).to_be_hidden()
    with Gallery.open(albums / "colors") as gallery:
        hits = Searcher(gallery).search("red", k=50, names="never")
        likely = sorted(hit.path for hit in hits if not hit.low_confidence)
        assert 1 < len(likely) < len(hits)
        expect(bar(tab).get_by_role("status").first).to_have_text(
            f"{len(likely)} selected, {len(likely) - 1} not shown"
        )
        expect(bar(tab).get_by_role("button", name="Copy paths")).to_be_hidden()
        tab.get_by_role("button", name="Show more").click()
        expect(tab.locator(".ps-selected").first).to_be_visible()
        bar(tab).get_by_role("button", name="Add to album").click()
        tab.get_by_role("dialog", name="Add to album").get_by_label("New album").fill("Red")
        tab.keyboard.press("Enter")
        bar(tab).get_by_text(f"Added to “Red”: {len(likely)}").wait_for()
        assert sorted(gallery.albums.photos("Red").values()) == likely
        gallery.albums.delete("Red")
