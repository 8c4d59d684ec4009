"""Galleries on the page, wide and on a phone: status, messages, and indexing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .actions import QUERY, cards, choose_gallery, expect, heading, sidebar
from .conftest import Server, watched_tab

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser


def test_the_sidebar_shows_the_status_and_opens_other_galleries(
    tab: Page, albums: Path, tiny_bundle_path: Path
) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    with sidebar(tab) as side:
        facts = side.locator(".ps-facts")
        facts.wait_for()
        shown = dict(zip(facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts(), strict=True))
    assert (shown["Photos"], shown["Searchable"], shown["Unreadable"], shown["Captions"]) == ("29", "28", "1", "6")
    assert shown["Bundle"] == "tiny"
    assert shown["Recall@10"].endswith("%")
    assert shown["Photo folder"] == str(albums / "colors")
    for folder, title in (("/no/such/![x](http:/tracker.invalid/x.png)", "No gallery found"), ("", "Choose a gallery")):
        choose_gallery(tab, folder)
        heading(tab, title).wait_for()
        assert folder in tab.inner_text(".ps-notice")
        tab.get_by_text("photoseek index PHOTOS --bundle demo").wait_for()
        tab.get_by_text("photoseek demo", exact=True).wait_for()
    choose_gallery(tab, albums / "empty")
    heading(tab, "This gallery is empty").wait_for()
    command = f"photoseek index {albums / 'empty'} --bundle {tiny_bundle_path}"
    tab.locator("[data-testid=stCode]", has_text=command).wait_for()
    choose_gallery(tab, albums / "damaged")
    tab.locator(".ps-error", has_text="vectors.npy").wait_for()
    assert "rebuild it with photoseek index" in tab.inner_text(".ps-error")


def test_every_tab_can_watch_stop_and_continue_indexing(
    signed_in: dict[str, BrowserContext], server: Server, unindexed: Path
) -> None:
    with watched_tab(signed_in["wide"], server) as wide, watched_tab(signed_in["phone"], server) as phone:
        for tab in (wide, phone):
            tab.goto("/?q=red")
            cards(tab, "red-")
            choose_gallery(tab, unindexed)
            heading(tab, "No gallery found").wait_for()
        with sidebar(wide) as side, sidebar(phone) as narrow:
            for each in (side, narrow):  # the second click shows the job of the first
                each.get_by_role("button", name="Index this folder").click()
            for each in (narrow, side):
                each.get_by_text(re.compile(r"[1-9]\d* of 41 photos")).wait_for()
            narrow.get_by_role("button", name="Stop").click()
            for each in (narrow, side):
                each.get_by_text("Stopped. Completed work is saved").wait_for()
            side.get_by_role("button", name="Index this folder").click()
            outcome = side.get_by_text("Up to date: 41 photos")
            outcome.wait_for(timeout=60_000)
            assert 0 < int(re.findall(r"\d+", outcome.inner_text())[1]) < 40
            assert side.locator(".ps-facts dd").all_inner_texts()[:3] == ["41", "40", "1"]
            side.get_by_text("Unreadable photos (1)").click()
            side.locator(".ps-unreadable li", has_text="broken.jpg").wait_for()
        expect(wide.get_by_label(QUERY)).to_have_value("red")
        phone.reload()
        choose_gallery(phone, unindexed)
        for tab in (wide, phone):
            tab.locator(".ps-found span").first.get_by_text("1 photo", exact=True).wait_for()
            tab.get_by_role("tab", name="Describe a photo").click()
            tab.get_by_text("photoseek captions add FILE --gallery").wait_for()
            with sidebar(tab) as side:
                side.get_by_label("Recent galleries").click()
                tab.get_by_role("option", name="colors").click()
                side.locator(".ps-facts dd", has_text="28").first.wait_for()
