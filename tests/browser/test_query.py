"""What can be done with a query on the page: its popovers, dates, link, and removal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .actions import cards, expect, heading, upload
from .conftest import watched_tab

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from .conftest import Server

pytestmark = pytest.mark.browser


def test_a_popover_is_closed_on_another_tab_and_the_language_leaves_the_tab_open(tab: Page) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    for name in ("Filters", "Photo"):
        tab.get_by_role("button", name=name, exact=name == "Filters").first.click()
        popover = tab.get_by_test_id("stPopoverBody")
        popover.wait_for()
        tab.get_by_role("tab", name="Near-duplicates").evaluate("tab => tab.click()")  # the popover may cover it
        tab.wait_for_url("**/?q=red&view=duplicates")
        expect(popover).to_have_count(0)
        tab.get_by_role("tab", name="Find photos").click()
        cards(tab, "red-")
        expect(popover).to_have_count(0)
    tab.get_by_role("tab", name="Near-duplicates").click()
    tab.get_by_role("button", name="中文").click()
    tab.wait_for_url("**/?q=red&view=duplicates&lang=zh")
    expect(tab.get_by_role("tab", name="近似重复")).to_have_attribute("aria-selected", "true")


def test_a_date_is_typed_as_the_page_writes_it(tab: Page) -> None:
    tab.goto("/?lang=zh")
    tab.get_by_role("button", name="筛选").click()
    tab.get_by_label("拍摄日期从").fill("2024年5月")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/?taken_from=2024-05&lang=zh")
    tab.get_by_label("拍摄日期从").fill("去年冬天")
    tab.keyboard.press("Enter")
    tab.get_by_text("拍摄日期从: 应为 2024、2024-05 或 2024-05-17 这样的日期，实际为 '去年冬天'").wait_for()
    assert tab.get_by_text("expected a date").count() == 0


def test_the_query_and_its_filters_are_removed_together_and_the_title_leads_home(tab: Page) -> None:
    tab.goto("/?q=red&type=png&folder=red&lang=zh")
    cards(tab, "red-")
    tab.get_by_role("button", name="清除全部条件").click()
    heading(tab, "搜索 28 张照片").wait_for()
    expect(tab.get_by_label("照片里应该有什么？")).to_have_value("")
    tab.wait_for_url("**/?lang=zh")
    expect(tab.get_by_role("button", name="清除全部条件")).to_have_count(0)
    tab.go_back()
    cards(tab, "red-")
    tab.get_by_role("link", name="photoseek").click()
    tab.wait_for_url("**/?lang=zh")
    heading(tab, "搜索 28 张照片").wait_for()


def test_the_link_of_a_query_is_copied_unless_it_has_an_uploaded_photo(
    signed_in: dict[str, BrowserContext], server: Server, picture: Path
) -> None:
    context = signed_in["wide"]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    with watched_tab(context, server) as tab:
        tab.goto("/?q=red&type=png")
        cards(tab, "red-")
        tab.get_by_role("button", name="Copy link").click()
        tab.get_by_role("button", name="Copied. It opens on this computer only.", exact=True).wait_for()
        assert tab.evaluate("navigator.clipboard.readText()") == f"{server.url}?q=red&type=png"
        upload(tab, picture)
        tab.get_by_role("button", name="Clear all").wait_for()
        expect(tab.get_by_role("button", name="Copy link")).to_have_count(0)


def test_a_new_query_is_shown_from_its_first_photo(tab: Page) -> None:
    tab.goto("/?q=blue&k=27")
    cards(tab, "blue-")
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    last = tab.locator(".ps-open").locator("visible=true").last
    last.scroll_into_view_if_needed()
    assert tab.evaluate(scrolled) > 0
    last.click()
    tab.get_by_role("dialog", name="Photo").get_by_role("button", name="More like this").click()
    tab.get_by_role("button", name="Remove: similar to").wait_for()
    tab.wait_for_function(f"{scrolled} === 0")


def test_the_filters_are_closed_by_a_button_at_their_end(tab: Page) -> None:
    tab.goto("/?q=blue")
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_label("File type").click()
    tab.get_by_role("option", name="PNG").click()
    tab.wait_for_url("**/?q=blue&type=png")
    done = tab.get_by_role("button", name="Done")
    expect(done).to_be_in_viewport(ratio=1)  # without scrolling
    done.click()
    expect(tab.get_by_label("File type")).to_have_count(0)
    expect(tab.locator(".ps-chip bdi")).to_have_text(["PNG"])
    tab.get_by_role("button", name="Filters").click()
    expect(tab.get_by_label("File type")).to_have_value(re.compile(r"PNG \(\d+\)"))
