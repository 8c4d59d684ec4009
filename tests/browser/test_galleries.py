"""Galleries on the page, wide and on a phone: status, messages, and indexing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Bundle, Gallery

from .actions import QUERY, cards, choose_gallery, expect, heading, sidebar
from .conftest import TOKEN, Server, new_context, watched_tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.browser


def test_the_sidebar_shows_the_status_and_opens_other_galleries(tab: Page, albums: Path) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    with sidebar(tab) as side:
        facts = side.locator(".ps-facts")
        side.get_by_text("Details").click()
        facts.wait_for()
        shown = dict(zip(facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts(), strict=True))
    assert (shown["Photos"], shown["Searchable"], shown["Unreadable"], shown["Captions"]) == ("29", "28", "1", "6")
    assert shown["Bundle"] == "tiny"
    assert shown["Recall@10"].endswith("%")
    assert shown["Photo folder"] == str(albums / "colors")
    missing = "/no/such/![x](http:/tracker.invalid/x.png)"
    choose_gallery(tab, missing)
    heading(tab, "No such folder").wait_for()
    assert missing in tab.inner_text(".ps-notice")
    tab.locator(".ps-crumbs").wait_for()
    choose_gallery(tab, "")
    heading(tab, "Choose a folder of photos").wait_for()
    choose_gallery(tab, albums / "empty")
    heading(tab, "This gallery is empty").wait_for()
    tab.get_by_text("No photos in this folder").wait_for()
    assert tab.locator("[data-testid=stCode]").count() == 0  # the page can do it itself
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
            tab.get_by_role("button", name="Index 41 photos").wait_for()
        for tab in (wide, phone):  # the second click shows the job of the first
            tab.get_by_role("button", name=re.compile("^Index 41 photos")).click()
        for tab in (phone, wide):
            tab.get_by_text(re.compile(r"[1-9]\d* of 41 photos")).wait_for()
        phone.get_by_role("button", name="Stop").click()
        for tab in (phone, wide):
            tab.get_by_text("Stopped. Completed work is saved").wait_for()
        wide.get_by_role("button", name="Continue").click()
        outcome = wide.get_by_text("Up to date: 41 photos")
        outcome.wait_for(timeout=60_000)
        assert 0 < int(re.findall(r"\d+", outcome.inner_text())[1]) < 40
        with sidebar(wide) as side:
            side.get_by_text("Details").click()
            assert side.locator(".ps-facts dd").all_inner_texts()[:3] == ["41", "40", "1"]
            side.get_by_text("Unreadable photos (1)").click()
            side.locator(".ps-unreadable li", has_text="broken.jpg").wait_for()
        expect(wide.get_by_label(QUERY)).to_have_value("")  # the text was a query of the other gallery
        phone.reload()
        for tab in (wide, phone):
            tab.locator(".ps-found span").first.get_by_text("40 photos, newest first", exact=True).wait_for()
            tab.get_by_role("tab", name="Describe a photo").click()
            tab.get_by_text("Describe with your own captions").wait_for()
            with sidebar(tab) as side:
                side.get_by_label("Recent galleries").click()
                tab.get_by_role("option", name="colors").click()
                side.locator(".ps-facts dd", has_text="28").first.wait_for(state="attached")  # folded away


def test_a_tab_that_is_clicked_before_the_fields_are_loaded_keeps_gallery_and_query(
    chromium: Browser, server: Server, albums: Path
) -> None:
    context = new_context(chromium, server)  # without the scripts of the fields in its cache
    context.request.get(f"/?token={TOKEN}", max_redirects=0)
    with watched_tab(context, server) as tab:
        held: list[Route] = []
        tab.route(re.compile(r"/(TextInput|Selectbox)\.[^/]*\.js"), lambda route: held.append(route))
        tab.goto("/?q=red&sort=date")
        tab.get_by_role("tab", name="Describe a photo").click()
        heading(tab, "What does the photo show?").wait_for()
        assert held
        for route in held:
            route.continue_()
        tab.unroute_all()
        expect(tab.get_by_label("Gallery folder")).to_have_value(str(albums / "colors"))
        expect(tab.get_by_label(QUERY)).to_have_value("red")
        tab.get_by_role("tab", name="Find photos").click()
        cards(tab, "red-")
        assert tab.url.endswith("/?q=red&sort=date")
    context.close()


def test_a_reload_and_the_history_keep_the_chosen_gallery_which_begins_without_a_query(
    tab: Page, photos: Path, tiny_bundle_path: Path
) -> None:
    Gallery.create(photos, Bundle.load(tiny_bundle_path)).index()
    tab.goto("/?q=red&folder=red")
    cards(tab, "red-")
    choose_gallery(tab, photos)
    heading(tab, "Search 24 photos").wait_for()
    expect(tab.get_by_label(QUERY)).to_have_value("")
    expect(tab.locator(".ps-chip")).to_have_count(0)
    tab.wait_for_url(re.compile(r"/\?gallery=[0-9a-f]{16}$"))
    address = tab.url
    tab.reload()
    heading(tab, "Search 24 photos").wait_for()
    assert tab.url == address
    tab.go_back()
    cards(tab, "red-")
    tab.get_by_role("button", name="Remove: red").wait_for()
    assert tab.url.endswith("/?q=red&folder=red")
    tab.go_forward()
    heading(tab, "Search 24 photos").wait_for()
