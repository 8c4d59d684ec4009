"""The page as people see it, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


def search(tab: Page, text: str) -> None:
    tab.get_by_label("What should the photos show?").fill(text)
    tab.keyboard.press("Enter")


def choose_gallery(tab: Page, folder: Path | str) -> None:
    tab.get_by_label("Gallery folder").fill(str(folder))
    tab.keyboard.press("Enter")


def cards(tab: Page, count: int) -> Locator:
    """The cards, once there are so many."""
    found = tab.locator(".ps-card")
    found.nth(count - 1).wait_for()
    assert found.count() == count
    return found


def names(found: Locator) -> list[str]:
    return [name.rpartition("/")[2] for name in found.locator(".ps-path").all_inner_texts()]


def test_a_text_finds_five_photos_of_what_it_names(tab: Page) -> None:
    tab.goto("/")
    search(tab, "a red picture")
    found = cards(tab, 5)
    assert set(names(found)[:4]) == {f"red-{number}.png" for number in range(4)}
    scores = [float(score) for score in found.locator(".ps-score").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    widths = found.locator("img").evaluate_all("pictures => pictures.map(picture => picture.naturalWidth)")
    assert widths == [48] * 5
    assert re.search(r"5 of \d+ photos for a red picture, best first, in \d+ ms", tab.inner_text(".ps-found"))


def test_a_photo_finds_photos_like_it_and_is_shown(tab: Page, picture: Path) -> None:
    tab.goto("/")
    tab.locator("input[type=file]").set_input_files(picture)
    found = cards(tab, 5)
    assert set(names(found)[:4]) == {f"blue-{number}.png" for number in range(4)}
    assert tab.locator(".ps-asked img").evaluate("picture => picture.naturalWidth") == 160


def test_a_text_and_a_photo_count_together(tab: Page, picture: Path) -> None:
    tab.goto("/?q=red")
    cards(tab, 5)
    tab.locator("input[type=file]").set_input_files(picture)
    tab.get_by_text("and like your photo").wait_for()
    assert set(names(cards(tab, 5))) & {
        "vanished.png",
        *(name.rpartition("/")[2] for name in HOSTILE),
    }  # purple: between red and blue


def test_a_file_that_is_no_photo_is_told_plainly(tab: Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    tab.goto("/")
    tab.locator("input[type=file]").set_input_files(broken)
    tab.get_by_text("This file cannot be read as a photo").wait_for()
    assert tab.locator(".ps-card").count() == 0
    assert "not a photo of a known format" in tab.inner_text(".ps-problem").lower()


def test_the_number_of_photos_can_be_chosen_and_stands_in_the_address(tab: Page) -> None:
    tab.goto("/?q=green")
    cards(tab, 5)
    tab.get_by_label("How many").fill("12")
    tab.keyboard.press("Enter")
    cards(tab, 12)
    tab.wait_for_url("**/?q=green&k=12")
    tab.reload()
    assert set(names(cards(tab, 12))[:4]) == {f"green-{number}.png" for number in range(4)}


def test_an_empty_query_is_met_with_an_explanation_and_examples(tab: Page) -> None:
    tab.goto("/")
    tab.get_by_text("Search 28 photos").wait_for()
    assert tab.locator(".ps-card").count() == 0
    example = tab.get_by_role("button", name="two dogs on a beach")
    example.click()
    cards(tab, 5)
    assert tab.get_by_label("What should the photos show?").input_value() == "two dogs on a beach"
    search(tab, "   ")
    tab.get_by_text("Search 28 photos").wait_for()


@pytest.mark.parametrize(
    ("folder", "title"), [("/no/such/![x](http:/tracker.invalid/x.png)", "No gallery here"), ("", "Choose a gallery")]
)
def test_where_there_is_no_gallery_the_page_names_the_commands(tab: Page, folder: str, title: str) -> None:
    tab.goto("/?q=red")
    cards(tab, 5)
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
    choose_gallery(tab, albums / "damaged")
    tab.locator(".ps-problem", has_text="index.ann").wait_for()
    assert "rebuild it with photoseek index" in tab.inner_text(".ps-problem")


def test_names_are_shown_as_the_very_text_they_are(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    assert set(HOSTILE) <= set(cards(tab, 28).locator(".ps-path").all_inner_texts())


def test_a_photo_that_has_gone_keeps_its_card_with_a_note(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    card = cards(tab, 28).filter(has_text="vanished.png")
    assert "no longer there" in card.inner_text()
    assert card.locator("img").count() == 0


def test_the_sidebar_tells_what_is_in_the_gallery(tab: Page, albums: Path) -> None:
    tab.goto("/")
    facts = tab.locator(".ps-facts")
    facts.wait_for()
    told = dict(zip(facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts(), strict=True))
    assert told["Photos"] == "29"
    assert told["Searchable"] == "28"
    assert told["Unreadable"] == "1"
    assert told["Bundle"] == "tiny"
    assert told["Recall@10"].endswith("%")
    assert told["Photo folder"] == str(albums / "colours")
    tab.get_by_text("Unreadable photos").click()
    row = tab.locator(".ps-unreadable li")
    row.wait_for()
    assert row.inner_text().startswith("broken.jpg")
    assert "known format" in row.inner_text()


def test_pictures_of_all_shapes_fill_equal_tiles(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    found = cards(tab, 28)
    sizes = found.locator(".ps-photo").evaluate_all("tiles => tiles.map(t => [t.clientWidth, t.clientHeight].join())")
    heights = found.evaluate_all("cards => cards.map(card => card.clientHeight)")
    assert len(set(sizes)) == 1
    assert len(set(heights)) == 1


def test_a_click_enlarges_a_photo_and_another_brings_it_back(tab: Page) -> None:
    tab.goto("/?q=red")
    picture = cards(tab, 5).first.locator("img")
    size = "picture => [picture.clientWidth, picture.clientHeight]"
    small = picture.evaluate(size)
    picture.click()
    assert picture.bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 900}
    picture.click()
    assert picture.evaluate(size) == small


def test_the_page_fits_a_telephone(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto("/?q=red&k=6")
    boxes = [card.bounding_box() for card in cards(tab, 6).all()]
    assert len({box["x"] for box in boxes if box}) == 2
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    assert tab.evaluate("document.scrollingElement.scrollWidth") <= 390
    search(tab, "blue")
    tab.get_by_text("photos for blue").wait_for()
    assert names(cards(tab, 6))[0].startswith("blue")
