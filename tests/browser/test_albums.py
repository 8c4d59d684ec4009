"""Favorites and albums on the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Gallery

from .actions import cards, expect, heading, names, wait_until
from .test_selection import bar, mark, selected, shown
from .test_viewer import open_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def gallery(albums: Path) -> Iterator[Gallery]:
    """The gallery of the page, whose albums are deleted afterward."""
    with Gallery.open(albums / "colors") as opened:
        yield opened
        for album in opened.albums.list():
            opened.albums.delete(album.name)


def stored(gallery: Gallery, name: str) -> list[str]:
    known = [album.name for album in gallery.albums.list()]
    return [path.rpartition("/")[2] for path in gallery.albums.photos(name).values()] if name in known else []


def test_hearts_and_a_key_make_favorites(tab: Page, gallery: Gallery) -> None:
    found = shown(tab)
    first, second, third = names(found)[:3]
    found.first.locator(".ps-open").focus()
    tab.keyboard.press("f")
    heart = found.first.get_by_role("button", name="Favorite:")
    expect(heart).to_have_attribute("aria-pressed", "true")
    wait_until(tab, lambda: stored(gallery, "Favorites") == [first])
    tab.keyboard.press("ArrowRight")
    found.nth(1).hover()
    found.nth(1).get_by_role("button", name="Favorite:").click()
    wait_until(tab, lambda: stored(gallery, "Favorites") == [first, second])
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    wait_until(tab, lambda: stored(gallery, "Favorites") == [second])
    tab.reload()
    expect(tab.locator(".ps-favorite .ps-path")).to_have_count(1)
    mark(found.nth(1))
    mark(found.nth(2))
    bar(tab).get_by_role("button", name="Favorite").click()  # one of them is one already
    wait_until(tab, lambda: stored(gallery, "Favorites") == [second, third])


def test_the_viewer_has_a_heart(tab: Page, gallery: Gallery) -> None:
    viewer = open_first(tab)
    heart = viewer.get_by_role("button", name="Favorite")
    expect(heart).to_have_attribute("aria-pressed", "false")
    tab.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "true")
    wait_until(tab, lambda: len(stored(gallery, "Favorites")) == 1)
    tab.keyboard.press("ArrowRight")
    expect(heart).to_have_attribute("aria-pressed", "false")
    tab.keyboard.press("ArrowLeft")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    wait_until(tab, lambda: stored(gallery, "Favorites") == [])


def test_selected_photos_are_added_to_a_new_and_to_a_known_album(tab: Page, gallery: Gallery) -> None:
    found = shown(tab)
    order = names(found)
    mark(found.first)
    bar(tab).get_by_role("button", name="Add to album").click()
    dialog = tab.get_by_role("dialog", name="Add to album")
    dialog.get_by_label("New album").fill(" <b>Sea</b> 海 ")
    tab.keyboard.press("Enter")
    bar(tab).get_by_text("Added to “<b>Sea</b> 海”: 1").wait_for()
    assert stored(gallery, "<b>Sea</b> 海") == order[:1]
    mark(found.nth(1))
    bar(tab).get_by_role("button", name="Add to album").click()
    dialog.get_by_role("button", name="<b>Sea</b> 海").click()
    bar(tab).get_by_text("Added to “<b>Sea</b> 海”: 1").wait_for()
    bar(tab).get_by_role("button", name="Add to album").click()
    dialog.get_by_role("button", name="<b>Sea</b> 海").click()
    bar(tab).get_by_text("Already in “<b>Sea</b> 海”").wait_for()
    bar(tab).get_by_role("button", name="Add to album").click()
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert stored(gallery, "<b>Sea</b> 海") == order[:2]


def test_a_name_is_typed_at_once_with_spaces(tab: Page, gallery: Gallery) -> None:
    found = shown(tab)
    mark(found.first)
    for known in (False, True):  # also beside albums that can be chosen
        bar(tab).get_by_role("button", name="Add to album").click()
        tab.get_by_role("dialog", name="Add to album").wait_for()
        tab.keyboard.type("Best of / ? x f 2025" if known else "Best of")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("dialog")).to_have_count(0)
        bar(tab).get_by_text("Added to “Best of / ?" if known else "Added to “Best of”").wait_for()
    assert [album.name for album in gallery.albums.list()] == ["Best of", "Best of / ? x f 2025"]
    assert len(selected(tab)) == 1


def test_a_change_that_fails_says_why_and_is_taken_back(tab: Page, gallery: Gallery) -> None:
    found = shown(tab)
    tab.route("**/albums", lambda route: route.fulfill(json={"reason": "this gallery is read-only"}))
    found.first.locator(".ps-open").focus()
    tab.keyboard.press("f")
    bar(tab).get_by_text("This did not work: this gallery is read-only").wait_for()
    expect(tab.locator(".ps-favorite")).to_have_count(0)
    assert gallery.albums.list() == []


def test_the_albums_tab_shows_albums_which_are_changed_there(tab: Page, gallery: Gallery) -> None:
    gallery.albums.add("Sea", [f"red/red-{number}.png" for number in range(3)])
    tab.goto("/?q=green")
    cards(tab, "green-")
    tab.get_by_role("tab", name="Albums").click()
    found = cards(tab, "red-")
    assert sorted(names(found)) == ["red-0.png", "red-1.png", "red-2.png"]
    assert "album=Sea" in tab.url
    mark(found.first)
    first = selected(tab)[0]
    bar(tab).get_by_role("button", name="Remove from album").click()
    expect(found).to_have_count(2)
    assert first not in stored(gallery, "Sea")
    tab.reload()
    expect(found).to_have_count(2)
    tab.get_by_role("button", name="Edit").click()
    tab.get_by_label("Name").fill("Ocean")
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Rename").click()
    tab.get_by_role("radio", name="Ocean (2)").or_(tab.get_by_role("button", name="Ocean (2)")).first.wait_for()
    assert [album.name for album in gallery.albums.list()] == ["Ocean"]
    tab.keyboard.press("Escape")
    expect(tab.get_by_label("Name")).to_have_count(0)
    found.first.locator(".ps-open").click()
    tab.get_by_role("dialog", name="Photo").get_by_role("button", name="More like this").click()
    tab.get_by_role("button", name="Remove: similar to red/").wait_for()
    expect(tab.get_by_role("tab", name="Find photos")).to_have_attribute("aria-selected", "true")
    tab.get_by_role("tab", name="Albums").click()
    tab.get_by_role("button", name="Edit").click()
    tab.get_by_role("button", name="Delete the album").click()
    heading(tab, "No albums yet").wait_for()
    assert gallery.albums.list() == []
