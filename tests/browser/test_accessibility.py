"""axe-core finds no serious problem in any state of the page, in both themes, wide and on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Gallery
from photoseek.gallery.albums import FAVORITES

from .actions import cards, heading, search, sidebar
from .conftest import new_context

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from .conftest import Server

pytestmark = pytest.mark.browser

SEVERE = {"serious", "critical"}
THEMES = ("light", "dark")
MIN_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, of small text


def problems(tab: Page) -> list[str]:
    """Return each serious problem of what the tab shows now, with the element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    tab.wait_for_function("document.querySelector('[data-stale=true]') === null")  # parts of the previous state
    tab.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")  # colors in between
    found = axe.Axe().run(tab).response["violations"]
    return [
        f"{each['id']}: {node['html']}: {node['failureSummary']}"
        for each in found
        if each["impact"] in SEVERE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_every_state_of_the_page_is_accessible(tab: Page, theme: str) -> None:
    tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    found = {}
    tab.goto("/")
    heading(tab, "Search 28 photos").wait_for()
    found["start"] = problems(tab)
    with sidebar(tab):
        found["sidebar"] = problems(tab)
    search(tab, "a red picture")
    cards(tab, "red-").first.locator("img").wait_for()
    found["results"] = problems(tab)
    tab.get_by_role("tab", name="Describe a photo").hover()
    found["hovered tab"] = problems(tab)
    tab.locator(".ps-mark").first.click()
    tab.get_by_role("region", name="Selected photos").wait_for()
    found["selection"] = problems(tab)
    cards(tab, "red-").first.locator(".ps-open").click()
    tab.get_by_role("dialog").locator(".ps-facts").wait_for()
    found["photo"] = problems(tab)
    tab.keyboard.press("i")
    tab.locator(".ps-viewer .ps-facts").wait_for(state="hidden")
    found["full screen"] = problems(tab)
    tab.keyboard.press("?")
    tab.get_by_role("dialog", name="Keys").wait_for()
    found["keys of the viewer"] = problems(tab)
    for _ in range(3):
        tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    tab.get_by_role("dialog", name="Keys").wait_for()
    found["keys"] = problems(tab)
    tab.keyboard.press("Escape")
    tab.goto("/?q=red&k=2")
    tab.get_by_role("button", name="Show more").wait_for()
    found["more"] = problems(tab)
    tab.goto("/?q=red&folder=red&from=2020")
    tab.locator(".ps-chip").first.wait_for()
    found["filters"] = problems(tab)
    tab.goto("/?q=a+picture")
    heading(tab, "Less likely").wait_for()
    tab.locator(".ps-card").first.locator("img").wait_for()
    tab.locator(".ps-found summary").click()
    found["doubtful"] = problems(tab)
    tab.goto("/?taken_from=May&folder=red")
    tab.locator(".ps-facet").first.wait_for()
    found["invalid link"] = problems(tab)
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_label("Taken from").wait_for()
    found["filter form"] = problems(tab)
    tab.goto("/?type=gif")
    heading(tab, "No photo matches these filters").wait_for()
    found["nothing"] = problems(tab)
    tab.goto("/")
    tab.get_by_text("Recent searches").wait_for()
    tab.get_by_text("Your photos show").wait_for()
    found["browse"] = problems(tab)
    search(tab, "red +")
    heading(tab, "Invalid query").wait_for()
    found["error"] = problems(tab)
    assert {state: each for state, each in found.items() if each} == {}


def contrast(found: Locator) -> float:
    """Return the contrast of a text and the background of the page, as WCAG 2.2 defines it."""

    def luminance(color: str) -> float:
        channels = [int(each) / 255 for each in re.findall(r"\d+", color)[:3]]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    page = found.page
    page.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")
    shades = [
        luminance(found.evaluate("one => getComputedStyle(one).color")),
        luminance(page.locator(".stApp").evaluate("app => getComputedStyle(app).backgroundColor")),
    ]
    return (max(shades) + 0.05) / (min(shades) + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_the_accent_color_is_readable_as_text(tab: Page, theme: str) -> None:
    tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    tab.goto("/?q=red")
    cards(tab, "red-")
    opened = tab.get_by_role("tab", name="Find photos")
    syntax = tab.get_by_role("button", name="Query syntax")
    syntax.click()
    tab.get_by_text("Describe what the photo shows").wait_for()
    assert min(contrast(opened), contrast(syntax)) >= MIN_CONTRAST
    tab.mouse.move(5, 5)
    assert contrast(syntax) >= MIN_CONTRAST
    tab.keyboard.press("Escape")
    other = tab.get_by_role("tab", name="Describe a photo")
    other.hover()
    assert contrast(other) >= MIN_CONTRAST


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_are_readable_under_the_mouse_and_with_the_focus(tab: Page, theme: str) -> None:
    tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    tab.goto("/?q=red&type=png")
    cards(tab, "red-").first.locator("img").wait_for()
    for name in ("Query syntax", "Filters", "中文"):
        button = tab.get_by_role("button", name=name)
        button.hover()
        assert problems(tab) == []
        button.focus()
        assert problems(tab) == []


@pytest.mark.parametrize("theme", THEMES)
def test_albums_are_accessible(tab: Page, albums: Path, theme: str) -> None:
    tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    found = {}
    with Gallery.open(albums / "colors") as gallery:
        gallery.albums.add("Sea", ["red/red-0.png"])
        gallery.albums.add(FAVORITES, ["red/red-0.png", "red/red-1.png"])
        tab.goto("/?album=Sea")
        cards(tab, "red-").first.locator("img").wait_for()
        tab.locator(".ps-favorite").first.wait_for()
        found["album"] = problems(tab)
        tab.locator(".st-key-ps-albums button").first.hover()
        found["hovered album"] = problems(tab)
        tab.get_by_role("button", name="Edit").click()
        tab.get_by_label("Name").wait_for()
        found["edit"] = problems(tab)
        tab.keyboard.press("Escape")
        tab.locator(".ps-mark").first.click()
        tab.get_by_role("button", name="Add to album").click()
        tab.get_by_role("dialog", name="Add to album").wait_for()
        found["dialog"] = problems(tab)
        tab.keyboard.press("Escape")
        for album in gallery.albums.list():
            gallery.albums.delete(album.name)
    assert {state: each for state, each in found.items() if each} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_the_form_for_the_token_is_accessible(chromium: Browser, server: Server, theme: str) -> None:
    context = new_context(chromium, server, color_scheme=theme)
    tab = context.new_page()
    tab.goto("/")
    tab.locator("input").first.wait_for()
    assert problems(tab) == []
    context.close()
