"""The page as people see it, in a real browser: asking, and what comes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import HOSTILE
from .walking import ASK, cards, choose_gallery, names, search, upload

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LINE = (
    r"\d+ photos, best first.*28 photos searched.*fp32 · exact.*"
    r"query read in [\d.]+ ms.*searched in [\d.]+ ms"
)


def test_a_text_finds_photos_of_what_it_names(tab: Page) -> None:
    tab.goto("/")
    search(tab, "a red picture")
    found = cards(tab, "red-")
    assert set(names(found)[:4]) == {f"red-{number}.png" for number in range(4)}
    scores = [float(score) for score in found.locator("visible=true").locator(".ps-score").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert found.first.locator(".ps-confidence").inner_text() in {"92 %", "93 %", "94 %"}
    found.first.locator("img").wait_for()
    assert found.first.locator("img").evaluate("picture => picture.naturalWidth") == 48
    assert re.fullmatch(LINE, tab.inner_text(".ps-found").replace("\n", " "))


def test_near_duplicates_are_folded_until_they_are_asked_for(tab: Page) -> None:
    tab.goto("/?q=red")
    found = cards(tab, "red-")
    more = found.first.get_by_role("button", name="+3 alike")
    before = found.locator("visible=true").count()
    more.click()
    assert found.locator("visible=true").count() == before + 3
    found.first.get_by_role("button", name="Fewer").click()
    assert found.locator("visible=true").count() == before


def test_what_nobody_took_is_said_to_be_missing_and_the_nearest_folded_away(tab: Page) -> None:
    tab.goto("/?q=zzz")
    tab.get_by_role("heading", name="Nothing here seems to show that").wait_for()
    assert tab.locator(".ps-card").locator("visible=true").count() == 0
    tab.get_by_text("Show the nearest anyway").click()
    tab.locator(".ps-card").first.locator("img").wait_for()


def test_a_photo_finds_photos_like_it_alone_or_with_a_text_until_it_is_removed(tab: Page, picture: Path) -> None:
    tab.goto("/")
    upload(tab, picture)
    assert set(names(cards(tab, "blue-"))[:4]) == {f"blue-{number}.png" for number in range(4)}
    search(tab, "red")
    purple = {"vanished.png", *(name.rpartition("/")[2] for name in HOSTILE)}  # between red and blue
    tab.wait_for_url("**/?q=red")
    tab.locator(".ps-card").first.wait_for()
    assert set(names(tab.locator(".ps-card"))[:5]) & purple
    tab.get_by_role("button", name="Remove: query.jpg").click()
    tab.locator(".ps-chip").wait_for(state="detached")  # cards of red may have been there before
    cards(tab, "red-")
    assert tab.locator(".ps-chip").count() == 0


def test_a_picture_that_is_pasted_is_searched_with(tab: Page) -> None:
    tab.goto("/")
    tab.get_by_text("Search 28 photos").wait_for()
    tab.wait_for_timeout(300)  # the part that listens draws nothing to wait for
    tab.evaluate("""async () => {
      const canvas = document.createElement("canvas"); canvas.width = canvas.height = 40
      const pen = canvas.getContext("2d"); pen.fillStyle = "rgb(30, 180, 40)"; pen.fillRect(0, 0, 40, 40)
      const blob = await new Promise((done) => canvas.toBlob(done))
      const data = new DataTransfer(); data.items.add(new File([blob], "pasted.png", { type: "image/png" }))
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }))
    }""")
    cards(tab, "green-")
    assert tab.locator(".ps-chip").inner_text().startswith("pasted.png")


def test_a_file_that_is_no_photo_is_told_plainly(tab: Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    tab.goto("/")
    upload(tab, broken)
    tab.get_by_text("This file cannot be read as a photo").wait_for()
    assert tab.locator(".ps-card").count() == 0
    assert "not a photo of a known format" in tab.inner_text(".ps-problem").lower()


def test_the_grammar_is_taught_and_its_errors_are_told_kindly(tab: Page) -> None:
    tab.goto("/?q=red %2B")
    tab.get_by_role("heading", name="Invalid query").wait_for()
    tab.get_by_role("button", name="How to ask").click()
    tab.get_by_text("the red car counts twice").wait_for()
    tab.keyboard.press("Escape")
    search(tab, "yellow - 2:red")
    tab.get_by_role("heading", name="Invalid query").wait_for(state="detached")
    tab.locator(".ps-found").wait_for()
    assert tab.locator(".ps-problem").count() == 0


def test_the_number_of_photos_can_be_chosen_and_stands_in_the_address(tab: Page) -> None:
    tab.goto("/?q=green&k=2")
    cards(tab, "green-")
    assert tab.locator(".ps-card").locator("visible=true").count() == 2
    tab.get_by_label("How many photos").click()
    tab.get_by_role("option", name="Top 24").click()
    tab.wait_for_url("**/?q=green&k=24")


def test_an_empty_query_is_met_with_an_explanation_and_examples(tab: Page) -> None:
    tab.goto("/")
    tab.get_by_text("Search 28 photos").wait_for()
    tab.get_by_role("button", name="a dog running on the beach").click()
    tab.locator(".ps-found").wait_for()
    assert tab.get_by_label(ASK).input_value() == "a dog running on the beach"
    search(tab, "   ")
    tab.get_by_text("Search 28 photos").wait_for()


@pytest.mark.parametrize(
    ("folder", "title"), [("/no/such/![x](http:/tracker.invalid/x.png)", "No gallery here"), ("", "Choose a gallery")]
)
def test_where_there_is_no_gallery_the_page_names_the_commands(tab: Page, folder: str, title: str) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    choose_gallery(tab, folder)
    tab.get_by_role("heading", name=title).wait_for()
    assert folder in tab.inner_text(".ps-notice")
    tab.get_by_text("photoseek index PHOTOS --bundle demo").wait_for()
    tab.get_by_text("photoseek demo", exact=True).wait_for()


def test_an_empty_gallery_names_the_command_that_fills_it(tab: Page, albums: Path, tiny_bundle_path: Path) -> None:
    tab.goto("/")
    choose_gallery(tab, albums / "empty")
    tab.get_by_role("heading", name="This gallery is empty").wait_for()
    expected = f"photoseek index {albums / 'empty'} --bundle {tiny_bundle_path}"
    assert tab.inner_text("[data-testid=stCode]").strip() == expected


def test_a_damaged_gallery_says_what_is_wrong_and_what_to_do(tab: Page, albums: Path) -> None:
    tab.goto("/?q=red")
    cards(tab, "red-")
    choose_gallery(tab, albums / "damaged")
    tab.locator(".ps-problem", has_text="vectors.npy").wait_for()
    assert "rebuild it with photoseek index" in tab.inner_text(".ps-problem")


def test_names_are_shown_as_the_very_text_they_are(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    cards(tab, "red-")
    assert set(HOSTILE) <= set(tab.locator(".ps-card .ps-path").all_text_contents())


def test_a_photo_that_has_gone_keeps_its_card_with_a_note(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    cards(tab, "red-")
    card = tab.locator(".ps-card").filter(has_text="vanished.png")
    assert "no longer there" in str(card.text_content())
    assert card.locator("img").count() == 0


def test_pictures_of_all_shapes_fill_equal_tiles(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    found = cards(tab, "red-").locator("visible=true")
    heights = found.evaluate_all("cards => cards.map(card => card.clientHeight)")
    assert len(heights) > 5
    assert len(set(heights)) == 1
