"""Near-duplicates of the entire gallery on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .actions import expect, names, search
from .test_accessibility import problems
from .test_selection import bar, mark, selected

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_groups_are_shown_and_their_photos_selected(tab: Page) -> None:
    tab.goto("/")
    search(tab, "red")
    tab.locator(".ps-card").first.wait_for()
    tab.get_by_role("tab", name="Near-duplicates").click()
    tab.get_by_text("Groups of photos that look almost the same").wait_for()
    heads = tab.locator(".ps-stack")
    others = tab.locator(".ps-folded")
    expect(heads.first).to_be_visible()
    expect(others.first).to_be_visible()
    assert problems(tab) == []
    mark(others.first)
    assert selected(tab) == names(others.first)
    expect(bar(tab)).to_be_in_viewport(ratio=1)
    heads.first.get_by_role("button", name="Show fewer").click()
    expect(others.first).to_be_hidden()
