"""The page without a query in a real browser, wide and on a phone: dates, folders, examples, and recent searches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from PIL import ExifTags, Image

from photoseek import Bundle, Gallery
from tiny_bundle import COLORS

from .actions import QUERY, cards, expect, heading, names, search
from .conftest import HOSTILE, VIEWPORTS, new_context, page_command, running_page, watched_tab

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page, Route

    from .conftest import Server

from .conftest import TOKEN

pytestmark = pytest.mark.browser

CAMERA = "Canon EOS R6"
STORED = "Object.keys(localStorage).filter((key) => key.startsWith('photoseek-'))"


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Iterator[Server]:
    """The page over 40 photos of two months and 20 folders: 2 have no date, 4 a camera, and 1 a hostile one."""
    folder = tmp_path_factory.mktemp("trips")
    for number in range(40):
        exif = Image.Exif()
        if number > 1:
            exif[ExifTags.Base.DateTime] = f"{2023 + number % 2}:05:{number % 28 + 1:02} 10:00:00"
        if number in (2, 12, 22, 32, 38):
            exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", CAMERA if number < 38 else HOSTILE[0]
        file = folder / f"trip {number % 20:02}" / "day" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40 + number, 30), (6 * number, 0, 6 * number)).save(file, exif=exif)
    Gallery.create(folder, Bundle.load(tiny_bundle_path)).index()
    with running_page(page_command(folder, "--no-browser"), tmp_path_factory.mktemp("s"), stop_signal=None) as running:
        yield running


@pytest.fixture(params=VIEWPORTS)
def start(chromium: Browser, trips: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The start page of a new browser."""
    context = new_context(chromium, trips, viewport=request.param)
    context.request.get(f"/?token={TOKEN}", max_redirects=0)
    with watched_tab(context, trips) as tab:
        tab.goto("/")
        heading(tab, "Search 40 photos").wait_for()
        yield tab
    context.close()


def facet(tab: Page, name: str) -> Locator:
    return tab.get_by_role("button", name=name, exact=True)


def test_dates_and_folders_lead_to_photos_in_the_same_grid_and_viewer(start: Page) -> None:
    heading(start, "May 2024").wait_for()
    assert "40 photos, newest first" in start.inner_text(".ps-found")
    start.get_by_text("2 without a date").wait_for()
    expect(start.locator(".ps-row h3")).to_have_text(["Dates", "2024", "Folders"])  # the months of 2024
    facet(start, "trip 03 2").wait_for()
    facet(start, "2023 19").click()
    start.wait_for_url("**/?taken_from=2023&taken_to=2023")
    expect(facet(start, "trip 03 2")).to_have_count(0)  # both photos are of 2024
    expect(start.locator(".ps-row h3").nth(1)).to_have_text("2023")
    heading(start, "May 2023").wait_for()
    expect(facet(start, "2023 19")).to_have_attribute("aria-pressed", "true")
    expect(facet(start, "2023 19")).to_be_focused()
    expect(start.locator(".ps-card")).to_have_count(19)
    facet(start, "May 19").click()
    start.get_by_role("button", name="Remove: May 2023").wait_for()
    facet(start, "trip 02 2").click()
    start.wait_for_url("**/?folder=trip+02&taken_from=2023-05&taken_to=2023-05")
    expect(start.locator(".ps-card")).to_have_count(2)
    expect(facet(start, "2023 2")).to_have_attribute("aria-pressed", "true")
    facet(start, "day 2").click()
    way = start.get_by_role("navigation", name="Folders")
    expect(way).to_contain_text("day")
    start.get_by_role("button", name="Remove: May 2023").click()
    way.get_by_role("button", name="All folders 40").click()
    start.wait_for_url("**/")
    heading(start, "May 2024").wait_for()
    start.locator(".ps-open").first.click()
    viewer = start.get_by_role("dialog", name="Photo")
    viewer.get_by_text("1 / 24").wait_for()
    assert viewer.locator(".ps-facts dt").all_inner_texts() == ["Taken", "Size", "Path"]
    viewer.get_by_role("button", name="More like this").click()
    chip = start.get_by_role("button", name="Remove: similar to trip")
    expect(chip.locator("img")).to_have_js_property("complete", True)
    assert int(chip.locator("img").evaluate("image => image.naturalWidth")) > 0


@pytest.mark.parametrize(
    ("language", "filters", "label", "remove", "without"),
    [
        ("en", "Filters", "Camera", "Remove: {}", "Without “{}”: {}"),
        ("zh", "筛选", "相机", "移除：{}", "移除“{}”：{} 张"),
    ],
)
def test_photos_of_a_camera_are_chosen_and_its_name_is_plain_text(
    start: Page, language: str, filters: str, label: str, remove: str, without: str
) -> None:
    start.goto(f"/?lang={language}")
    start.get_by_role("button", name=filters).click()
    start.get_by_label(label, exact=True).click()
    hostile = f"Canon {HOSTILE[0]}"
    expect(start.get_by_role("option")).to_have_text([f"{CAMERA} (4)", f"{hostile} (1)"])
    start.get_by_role("option", name=f"{CAMERA} (4)", exact=True).click()
    start.wait_for_url(f"**/?camera=Canon+EOS+R6&lang={language}")
    start.keyboard.press("Escape")
    expect(start.locator(".ps-card")).to_have_count(4)
    start.locator(".ps-open").first.click()
    viewer = start.get_by_role("dialog")
    expect(viewer.locator(".ps-facts dt").nth(2)).to_have_text(label)
    expect(viewer.locator(".ps-facts dd").nth(2)).to_have_text(CAMERA)
    start.keyboard.press("Escape")
    start.get_by_role("button", name=remove.format(CAMERA)).click()
    start.wait_for_url(f"**/?lang={language}")
    start.goto(f"/?{urlencode({'camera': hostile, 'type': 'png', 'lang': language})}")
    start.get_by_role("button", name=without.format("PNG", 1)).wait_for()
    start.goto(f"/?{urlencode({'camera': hostile, 'folder': 'trip 02', 'lang': language})}")
    start.get_by_role("button", name=without.format(hostile, 2)).wait_for()


def test_all_of_many_folders_are_shown_on_demand(start: Page) -> None:
    folders = start.get_by_role("group", name="Folders").locator(".ps-facet").locator("visible=true")
    expect(folders).to_have_count(14)
    toggle = start.get_by_role("button", name="Show all 20")
    toggle.click()
    expect(folders).to_have_count(20)
    start.get_by_role("button", name="Show fewer").click()
    expect(folders).to_have_count(14)


def test_more_photos_of_the_gallery_are_shown_up_to_all(start: Page) -> None:
    grid = start.locator(".ps-card")
    expect(grid).to_have_count(24)
    start.get_by_role("button", name="Show more").click()
    expect(grid).to_have_count(40)
    heading(start, "Without a date").wait_for()
    box = grid.last.bounding_box()
    assert box is not None
    assert box["height"] < 400  # a photo alone in its row is not stretched
    assert start.get_by_role("button", name="Show more").count() == 0


def test_all_photos_of_a_list_are_selected_without_being_shown(start: Page) -> None:
    sent: list[int] = []

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(len(route.request.post_data_json["photos"]))
            route.fulfill(json={"changed": sent[-1], "albums": [], "favorites": []})
        else:
            route.continue_()

    start.route("**/albums", answer)
    start.locator(".ps-card").first.hover()
    start.locator(".ps-mark").first.click()
    bar = start.get_by_role("region", name="Selected photos")
    bar.get_by_role("button", name="Select all 24").click()
    bar.get_by_role("button", name="Select all 40").click()
    expect(bar.get_by_role("status").first).to_have_text("40 selected, 16 not shown")
    expect(bar.get_by_role("button", name="Select all")).to_have_count(0)
    start.get_by_role("button", name="Show more").click()
    expect(start.locator(".ps-selected")).to_have_count(40)
    bar.get_by_role("button", name="Add to album").click()
    start.get_by_role("dialog", name="Add to album").get_by_label("New album").fill("All")
    start.keyboard.press("Enter")
    bar.get_by_text("Added to “All”: 40").wait_for()
    assert sum(sent) == 40


def test_recent_searches_stay_in_the_browser_and_are_repeated_and_removed(start: Page) -> None:
    for text in ("red", "a <b>blue</b> picture", "green"):
        search(start, text)
        stored = f"text => ({STORED}).some((key) => localStorage[key].includes(JSON.stringify(text)))"
        start.wait_for_function(stored, arg=text)
    start.goto("/")
    again = start.locator(".ps-again")
    expect(again).to_have_count(3)
    assert again.all_inner_texts() == ["green", "a <b>blue</b> picture", "red"]
    start.get_by_role("button", name="Search: red").click()
    expect(start.get_by_label(QUERY)).to_have_value("red")
    start.wait_for_function(f"() => ({STORED}).some((key) => localStorage[key].startsWith('[\"red\"'))")
    start.goto("/")
    expect(again).to_have_count(3)
    assert start.locator(".ps-again").first.inner_text() == "red"
    start.get_by_role("button", name="Remove: green").click()
    expect(again).to_have_count(2)
    start.reload()
    expect(again).to_have_count(2)
    start.get_by_role("button", name="Forget all").click()
    expect(again).to_have_count(0)
    assert start.evaluate(STORED) == []


def test_examples_search(tab: Page) -> None:
    tab.goto("/")
    tab.get_by_text("Your photos show, for example").wait_for()
    example = tab.locator(".st-key-ps-examples button").first
    text = example.inner_text()
    example.click()
    expect(tab.get_by_label(QUERY)).to_have_value(text)
    color = next(color for color in COLORS if color in text)
    assert names(cards(tab, f"{color}-"))


def test_dates_in_the_filters_restrict_a_query(start: Page) -> None:
    search(start, "red")
    start.wait_for_url("**/?q=red")
    start.get_by_role("button", name="Filters").click()
    facet(start, "2024 19").click()
    start.wait_for_url("**/?q=red&taken_from=2024&taken_to=2024")
    start.locator("input[aria-label='Taken from'][value='2024']").wait_for()
    start.keyboard.press("Escape")
    expect(start.locator(".ps-card")).to_have_count(19)
    start.get_by_role("button", name="Remove: 2024").click()
    start.wait_for_url("**/?q=red")
