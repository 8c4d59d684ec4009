"""Near-duplicates of the entire gallery on the page."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from .actions import choose_gallery, expect, heading
from .test_accessibility import problems
from .test_selection import bar, selected

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_groups_are_shown_and_their_smaller_copies_selected(tab: Page, albums: Path) -> None:
    tab.goto("/")
    choose_gallery(tab, albums / "copies")
    heading(tab, "Search 6 photos").wait_for()
    tab.get_by_role("tab", name="Near-duplicates").click()
    tab.get_by_text("Groups of copies of the same picture: 2, with 4 photos").wait_for()
    expect(tab.locator(".ps-section")).to_have_text(["4 photos", "2 photos"])
    others = tab.locator(".ps-folded")
    expect(others.first).to_be_visible()
    expect(tab.locator(".ps-detail")).to_have_text(
        [
            *("Largest · 480 × 360 · red", "320 × 240 · other", "240 × 180 · red", "160 × 120 · red"),
            *("Largest · 400 × 300", "300 × 225"),
        ]
    )
    expect(tab.get_by_role("button", name="Show fewer")).to_have_count(1)
    assert problems(tab) == []
    tab.locator(".ps-card").first.hover()
    tab.locator(".ps-card").first.locator(".ps-mark").click()  # stays selected only until the copies are
    tab.get_by_role("button", name="Select the smaller copies (4)").click()
    copies = ["red-medium.png", "red-small.png", "red-tiny.png", "blue-300.png"]
    assert selected(tab) == copies
    expect(bar(tab)).to_contain_text("4 selected")
    expect(bar(tab)).to_be_in_viewport(ratio=1)
    expect(bar(tab).get_by_role("button", name="Copy paths")).to_be_visible()
    with tab.expect_download() as download:
        bar(tab).get_by_role("button", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as file:
        assert sorted(file.namelist()) == sorted(copies)
    tab.get_by_role("button", name="Show fewer").click()
    expect(others.first).to_be_hidden()
