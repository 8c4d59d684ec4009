"""Favorites and albums on the page."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Gallery

from .actions import cards, expect, heading, names, wait_until
from .conftest import TOKEN, new_context, watched_tab
from .test_selection import bar, mark, selected, shown
from .test_viewer import open_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page

    from .conftest import Server

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
    tab.get_by_role("tab", name="Albums").click()  # shows the album that was added to last
    tab.wait_for_url(re.compile(r"album=Best\+of\+%2F"))


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
    bar(tab).get_by_text("Removed from the album: 1").wait_for()
    tab.reload()
    expect(found).to_have_count(2)
    tab.get_by_role("button", name="Edit").click()
    tab.get_by_label("Name").fill(" 收藏 ")
    tab.keyboard.press("Enter")
    tab.get_by_text("“收藏” is the name of the favorites").wait_for()
    assert [album.name for album in gallery.albums.list()] == ["Sea"]
    expect(tab.get_by_label("Name")).to_have_value("Sea")
    tab.get_by_label("Name").fill("Ocean")
    tab.keyboard.press("Enter")
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


def test_an_emptied_and_a_deleted_album_are_restored_exactly(tab: Page, gallery: Gallery) -> None:
    order = [f"red/red-{number}.png" for number in (2, 0, 3, 1)]
    gallery.albums.add("Sea", order)
    gallery.albums.add("Sky", ["blue/blue-1.png"])
    tab.goto("/?album=Sea")
    found = cards(tab, "red-")
    undo = bar(tab).get_by_role("button", name="Undo")
    mark(found.first)
    expect(undo).to_be_hidden()
    bar(tab).get_by_role("button", name="Select all 4").click()
    bar(tab).get_by_role("button", name="Remove from album").click()
    heading(tab, "This album is empty").wait_for()
    bar(tab).get_by_text("Removed from the album: 4").wait_for()
    assert stored(gallery, "Sea") == []
    undo.click()
    expect(found).to_have_count(4)
    expect(bar(tab)).to_be_hidden()
    assert list(gallery.albums.photos("Sea").values()) == order
    tab.get_by_role("button", name="Edit").click()
    tab.get_by_role("button", name="Delete the album").click()
    cards(tab, "blue-1")
    expect(tab.get_by_role("button", name="Delete the album")).to_have_count(0)  # not that of the next album
    bar(tab).get_by_text("Album “Sea” deleted").wait_for()
    assert [album.name for album in gallery.albums.list()] == ["Sky"]
    undo.click()
    cards(tab, "red-")
    expect(tab.locator(".ps-card")).to_have_count(4)
    assert list(gallery.albums.photos("Sea").values()) == order


def test_the_buttons_of_the_bar_stay_in_their_places(tab: Page, gallery: Gallery) -> None:
    gallery.albums.add("Sea", [f"red/red-{number}.png" for number in range(4)])
    tab.goto("/?album=Sea")
    found = cards(tab, "red-")
    mark(found.first)
    buttons = [bar(tab).get_by_role("button", name=name) for name in ("Add to album", "Download", "Remove from album")]

    def places() -> list[object]:
        return [each.bounding_box() for each in (*buttons, bar(tab))]

    before = places()
    bar(tab).get_by_role("button", name="Select all 4").click()
    assert places() == before
    buttons[0].click()
    tab.keyboard.type("Sea")
    tab.keyboard.press("Enter")
    bar(tab).get_by_text("Already in “Sea”").wait_for()
    assert places() == before
    last = [each for each in before[:3] if each["x"] + each["width"] > before[2]["x"] and each["y"] > before[2]["y"]]  # type: ignore[index]
    assert last == []  # nothing is after what removes


def test_the_paths_and_the_photos_of_an_album_leave_it_without_a_selection(
    signed_in: dict[str, BrowserContext], server: Server, albums: Path, gallery: Gallery, tmp_path: Path
) -> None:
    gallery.albums.add("Sea", ["red/red-2.png", "red/red-0.png"])
    context = signed_in["wide"]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    with watched_tab(context, server) as tab:
        tab.goto("/?album=Sea")
        cards(tab, "red-")
        tab.get_by_role("button", name="Copy paths").locator("visible=true").click()
        tab.get_by_text("Copied").wait_for()
        expected = [str(albums / "colors" / "red" / f"red-{number}.png") for number in (2, 0)]
        assert tab.evaluate("navigator.clipboard.readText()").splitlines() == expected
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download").locator("visible=true").click()
        download.value.save_as(tmp_path / "photos.zip")
    with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
        assert archive.namelist() == ["red-2.png", "red-0.png"]


def test_a_long_press_selects_and_hearts_are_at_hand(chromium: Browser, server: Server, gallery: Gallery) -> None:
    context = new_context(chromium, server, viewport="phone", has_touch=True, is_mobile=True)
    context.request.get(f"/?token={TOKEN}", max_redirects=0)
    with watched_tab(context, server) as tab:
        found = shown(tab)
        order = names(found)
        heart = found.first.get_by_role("button", name="Favorite:")
        expect(heart).to_be_hidden()
        press_long(tab, found.first)
        assert selected(tab) == order[:1]
        expect(tab.get_by_role("dialog")).to_have_count(0)
        heart.tap()
        wait_until(tab, lambda: stored(gallery, "Favorites") == order[:1])
        found.nth(1).locator(".ps-open").tap()  # a short one
        tab.get_by_role("dialog", name="Photo").wait_for()
    context.close()


def press_long(tab: Page, card: Locator) -> None:
    """Rest a finger on a card, as a phone reports it."""
    card.scroll_into_view_if_needed()
    box = card.locator(".ps-photo").bounding_box()
    assert box is not None
    session = tab.context.new_cdp_session(tab)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    tab.wait_for_timeout(800)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_timeout(100)
