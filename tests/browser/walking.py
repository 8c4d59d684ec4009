"""Steps that people take on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ASK = "What should the photos show?"


def search(tab: Page, text: str) -> None:
    tab.get_by_label(ASK).fill(text)
    tab.keyboard.press("Enter")


def choose_gallery(tab: Page, folder: Path | str) -> None:
    with sidebar(tab):
        tab.get_by_label("Gallery folder").fill(str(folder))
        tab.keyboard.press("Enter")


@contextmanager
def sidebar(tab: Page) -> Iterator[Locator]:
    """The sidebar; on a telephone it is opened, and covers the page until it is closed again."""
    found = tab.get_by_test_id("stSidebar")
    folded = not is_wide(tab)
    if folded:
        tab.get_by_test_id("stExpandSidebarButton").click()
    yield found
    if folded:
        found.hover()
        found.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()


def is_wide(tab: Page) -> bool:
    return tab.viewport_size is not None and tab.viewport_size["width"] > 768


def upload(tab: Page, picture: Path) -> None:
    tab.get_by_role("button", name="Photo", exact=False).first.click()
    tab.locator("input[type=file]").first.set_input_files(picture)
    tab.locator(".ps-chip").wait_for()
    tab.keyboard.press("Escape")


def cards(tab: Page, first: str) -> Locator:
    """The cards, once the first one's file has a name that begins so; those alike are among them, hidden."""
    tab.locator(".ps-card").first.filter(has_text=re.compile(rf"(^|/){re.escape(first)}")).wait_for()
    return tab.locator(".ps-card")


def names(found: Locator) -> list[str]:
    return [name.rpartition("/")[2] for name in found.locator(".ps-path").all_text_contents()]


def colors(found: Locator) -> list[str]:
    """The colour of each card that can be seen."""
    return [name.partition("-")[0] for name in names(found.locator("visible=true"))]
