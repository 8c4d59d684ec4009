"""The viewer of the page in a real browser, wide and on a phone: steps, zoom, swipes, actions, and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from photoseek import Gallery

from .actions import QUERY, cards, choose_gallery, expect, heading, is_wide, names, search
from .conftest import TOKEN, new_context, watched_tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

    from .conftest import Server

pytestmark = pytest.mark.browser

_STEP = """image => {
  const stage = image.parentElement
  stage.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, composed: true }))
  const next = stage.querySelector("img")
  return [next !== image, next.complete && next.naturalWidth > 0]
}"""  # all in one task, in which nothing can be loaded


def open_first(tab: Page, color: str = "red") -> Locator:
    """Search for a color, and return the viewer with the first photo."""
    tab.goto(f"/?q={color}")
    cards(tab, f"{color}-").first.locator(".ps-open").click()
    viewer = tab.get_by_role("dialog", name="Photo")
    viewer.get_by_text("1 /").wait_for()
    return viewer


def photo(viewer: Locator) -> Locator:
    """Return the picture in the viewer, once it is loaded."""
    image = viewer.locator(".ps-stage img")
    expect(image).to_have_js_property("complete", True)
    return image


def focused_class(tab: Page) -> Any:
    return tab.evaluate("document.activeElement.shadowRoot?.activeElement?.className")


def test_a_photo_is_opened_searched_with_and_described(tab: Page, picture: Path) -> None:
    tab.goto("/?q=red&type=png")
    cards(tab, "red-")
    tab.get_by_label(QUERY).focus()
    for _ in range(16):
        tab.keyboard.press("Tab")
        if focused_class(tab) == "ps-open":
            break
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    dialog.get_by_text("1 /").wait_for()
    path = dialog.locator("dd", has_text=".png")
    first = path.inner_text()
    expect(photo(dialog)).to_have_js_property("naturalWidth", 48)
    assert "48 × 36" in dialog.inner_text()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text("2 /").wait_for()
    expect(path).not_to_have_text(first)
    dialog.get_by_role("button", name="Previous").click()
    dialog.get_by_text("1 /").wait_for()
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert focused_class(tab) == "ps-open"
    tab.keyboard.press("Enter")
    dialog.get_by_role("button", name="More like this").click()
    chip = tab.get_by_role("button", name=f"Remove: similar to {first}")
    expect(chip).to_have_text("Similar to this×")
    expect(tab.get_by_label(QUERY)).to_have_value("")
    cards(tab, "red-")
    expect(tab.get_by_role("button", name="Remove: PNG")).to_have_count(0)  # among all photos
    expect(tab.locator(".ps-card", has_text=first.rpartition("/")[2])).to_have_count(0)
    chip.click()
    tab.wait_for_url("**/?q=red&type=png")  # the search that it came from, with its filter
    tab.get_by_role("button", name="Remove: PNG").click()
    tab.wait_for_url("**/?q=red")
    search(tab, "green")
    cards(tab, "green-")
    tab.locator(".ps-open").first.click()
    dialog.get_by_role("button", name="Describe it").click()
    captions = tab.locator(".ps-sentences li")
    captions.first.filter(has_text="a green picture").wait_for()
    tab.get_by_role("button", name="Remove: green").click()
    captions.first.wait_for(state="detached")
    tab.locator("input[type=file]").nth(-2).set_input_files(picture)  # the last one is for captions
    captions.first.filter(has_text="a blue picture").wait_for()


def test_a_step_shows_a_photo_that_is_already_loaded(tab: Page) -> None:
    viewer = open_first(tab)
    addresses = tab.locator(".ps-card:not([hidden]) img").evaluate_all(
        "images => images.map(one => one.src.replace(/card$/, 'view'))"
    )
    for number, address in enumerate(addresses[1:5], 2):
        image = photo(viewer)
        tab.wait_for_function("at => performance.getEntriesByName(at).some((one) => one.responseEnd > 0)", arg=address)
        assert image.evaluate(_STEP) == [True, True]
        viewer.get_by_text(f"{number} /").wait_for()


def test_zoom_moves_within_the_photo_and_loads_no_more_than_it_has(tab: Page) -> None:
    viewer = open_first(tab)
    image = photo(viewer)
    fitting = image.bounding_box()
    assert fitting is not None
    assert (round(fitting["width"]), round(fitting["height"])) == (48, 36)  # a small photo keeps its own size
    own, scale = viewer.get_by_role("button", name="Own size"), viewer.locator(".ps-scale")
    expect(own).to_have_attribute("aria-disabled", "true")
    own.click(force=True)
    image.dblclick()
    for key, width, text in (("-", 48, ""), ("+", 60, "125 %"), ("+", 75, "156 %"), ("0", 48, ""), ("+", 60, "125 %")):
        tab.keyboard.press(key)
        assert round((image.bounding_box() or fitting)["width"]) == width
        expect(scale).to_have_text(text)
    own.click()
    assert round((image.bounding_box() or fitting)["width"]) == 48
    tab.keyboard.press("+")
    image.dblclick()
    assert round((image.bounding_box() or fitting)["width"]) == 48
    tab.keyboard.press("End")
    expect(viewer.locator(".ps-position")).not_to_contain_text("1 /")
    tab.keyboard.press("ArrowRight")  # after the last one is the first one
    viewer.get_by_text("1 /").wait_for()


def test_a_pixel_of_a_photo_in_its_own_size_is_a_pixel_of_the_page(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    card = cards(tab, "red-").filter(has_text="_a_")
    card.locator(".ps-open").click()
    tab.set_viewport_size({"width": 120, "height": 800})  # less than the 160 pixels of the photo
    viewer = tab.get_by_role("dialog", name="Photo")
    image = photo(viewer)
    expect(image).to_have_css("width", f"{viewer.locator('.ps-stage').evaluate('one => one.clientWidth')}px")
    own = viewer.get_by_role("button", name="Own size")
    own.click()
    expect(own).to_have_attribute("aria-pressed", "true")
    expect(viewer.locator(".ps-scale")).to_have_text("100 %")
    assert round((image.bounding_box() or {"width": 0})["width"]) == 160
    tab.set_viewport_size({"width": 100, "height": 800})
    tab.wait_for_timeout(100)  # the observer of the size runs after the layout
    assert round((image.bounding_box() or {"width": 0})["width"]) == 160
    own.click()
    expect(viewer.locator(".ps-scale")).to_have_text("")


def test_full_screen_is_without_the_panel_and_escape_leaves_one_thing_at_a_time(tab: Page) -> None:
    viewer = open_first(tab)
    facts, controls = viewer.locator(".ps-facts"), viewer.locator(".ps-header")
    full = viewer.get_by_role("button", name="Full screen")
    for begin in (lambda: tab.keyboard.press("i"), full.click):
        begin()
        tab.wait_for_function("document.fullscreenElement !== null")
        expect(full).to_have_attribute("aria-pressed", "true")
        expect(facts).to_be_hidden()
        assert viewer.locator(".ps-stage").evaluate("stage => stage.clientWidth === innerWidth")
        assert viewer.locator(".ps-stage").evaluate("stage => stage.clientHeight === innerHeight")
        tab.mouse.move(30, 300)
        expect(controls).to_be_in_viewport()
        tab.keyboard.press("Escape")
        tab.wait_for_function("document.fullscreenElement === null")
        expect(facts).to_be_visible()
    tab.keyboard.press("Escape")
    expect(viewer).to_have_count(0)


def test_the_controls_disappear_in_full_screen_while_nothing_moves(tab: Page) -> None:
    viewer = open_first(tab)
    panel = viewer.locator(".ps-panel")
    tab.keyboard.press("i")
    expect(panel).to_have_css("opacity", "0")
    tab.mouse.move(60, 200)
    expect(panel).to_have_css("opacity", "1")
    tab.keyboard.press("i")
    expect(viewer.locator(".ps-facts")).to_be_visible()


def test_where_a_browser_has_no_full_screen_the_photo_fills_the_page(tab: Page) -> None:
    tab.add_init_script("delete Element.prototype.requestFullscreen")
    viewer = open_first(tab)
    tab.keyboard.press("i")
    expect(viewer.locator(".ps-facts")).to_be_hidden()
    assert viewer.locator(".ps-stage").evaluate("stage => stage.clientHeight === innerHeight")
    tab.keyboard.press("Escape")
    expect(viewer.locator(".ps-facts")).to_be_visible()


@pytest.fixture
def touched(chromium: Browser, server: Server) -> Iterator[Page]:
    """A tab on a phone with a touch screen."""
    context = new_context(chromium, server, viewport="phone", has_touch=True)
    context.request.get(f"/?token={TOKEN}", max_redirects=0)
    with watched_tab(context, server) as tab:
        yield tab
    context.close()


def test_a_tap_on_the_photo_hides_the_panel_and_another_one_shows_it(touched: Page) -> None:
    viewer = open_first(touched)
    facts = viewer.locator(".ps-facts")
    for alone in (True, False):
        touched.touchscreen.tap(200, 200)
        expect(facts).to_be_visible(visible=not alone)
    touched.touchscreen.tap(200, 200)  # a double tap zooms
    touched.touchscreen.tap(200, 200)
    touched.wait_for_timeout(600)
    expect(facts).to_be_visible()


def pull(tab: Page, by: int) -> None:
    """Move a finger down on the photo."""
    finger = tab.context.new_cdp_session(tab)
    for event, y in (("touchStart", 120), ("touchMove", 120 + by // 2), ("touchMove", 120 + by), ("touchEnd", None)):
        points = [] if y is None else [{"x": 200, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": points})
    finger.detach()


def test_the_viewer_counts_the_photos_that_the_grid_shows(tab: Page) -> None:
    tab.goto("/?q=red")
    shown = cards(tab, "red-").locator("visible=true")
    for _ in range(2):
        count = shown.count()
        shown.first.locator(".ps-open").click()
        position = tab.get_by_role("dialog").locator(".ps-position")
        expect(position).to_have_text(f"1 / {count}")
        box = position.bounding_box()
        tab.keyboard.press("End")
        expect(position).to_have_text(f"{count} / {count}")
        assert position.bounding_box() == box
        tab.keyboard.press("Escape")
        expect(shown.last.locator(".ps-open")).to_be_focused()
        tab.get_by_role("button", name="similar").first.click()
        expect(shown).not_to_have_count(count)


def test_after_the_last_photo_more_are_loaded_up_to_all(tab: Page) -> None:
    tab.goto("/?q=blue&k=3")
    cards(tab, "blue-").first.locator(".ps-open").click()
    viewer = tab.get_by_role("dialog", name="Photo")
    viewer.get_by_text("1 / 3+").wait_for()
    tab.keyboard.press("End")
    viewer.get_by_text("3 / 3+").wait_for()
    tab.keyboard.press("ArrowRight")
    viewer.get_by_text("4 / ").wait_for()
    count = tab.locator(".ps-card").locator("visible=true").count()
    expect(viewer.locator(".ps-position")).to_have_text(f"4 / {count}")
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowRight")
    viewer.get_by_text(f"1 / {count}").wait_for()
    tab.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(tab.locator(".ps-open").first).to_be_focused()
    assert tab.url.endswith("/?q=blue&k=27")


def test_a_swipe_turns_to_the_next_photo_and_a_short_one_does_not(tab: Page) -> None:
    viewer = open_first(tab)
    box = viewer.locator(".ps-stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    for by, position in ((-20, "1 /"), (-120, "2 /"), (-120, "3 /"), (120, "2 /")):
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x + by, y + 5, steps=4)
        tab.mouse.up()
        viewer.get_by_text(position).wait_for()


def test_a_swipe_down_closes_the_viewer(touched: Page) -> None:
    viewer = open_first(touched)
    pull(touched, 40)
    expect(viewer).to_be_visible()
    pull(touched, 200)
    expect(viewer).to_have_count(0)
    cards(touched, "red-")


def test_actions_and_facts_are_visible_without_scrolling(tab: Page) -> None:
    tab.set_viewport_size({"width": 1280, "height": 860} if is_wide(tab) else {"width": 390, "height": 844})
    viewer = open_first(tab)
    actions = ("More like this", "Describe it", "Show in folder", "Copy path", "Favorite", "Select")
    for name in (*actions, "Slideshow", "Own size", "Full screen", "Close", "Next", "Previous"):
        expect(viewer.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(viewer.get_by_role("link", name="Download")).to_be_in_viewport(ratio=1)
    facts = viewer.locator(".ps-facts dt")
    assert facts.all_inner_texts() == ["Size", "Path", "Matches", "Cosine"]
    expect(facts.last).to_be_in_viewport(ratio=1)
    panel = viewer.locator(".ps-panel")
    assert panel.evaluate("panel => panel.scrollHeight <= panel.clientHeight")


def test_the_slideshow_turns_by_itself_until_it_is_stopped(tab: Page) -> None:
    viewer = open_first(tab)
    slideshow = viewer.get_by_role("button", name="Slideshow")
    tab.keyboard.press("s")
    expect(slideshow).to_have_attribute("aria-pressed", "true")
    tab.wait_for_function("document.fullscreenElement !== null")
    expect(viewer.locator(".ps-facts")).to_be_hidden()
    viewer.get_by_text("2 /").wait_for()
    tab.keyboard.press("ArrowLeft")
    viewer.get_by_text("1 /").wait_for()
    expect(slideshow).to_have_attribute("aria-pressed", "false")
    tab.keyboard.press("s")
    expect(slideshow).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("Escape")
    expect(slideshow).to_have_attribute("aria-pressed", "false")
    expect(viewer.locator(".ps-facts")).to_be_visible()


def test_the_file_is_downloaded_and_its_path_copied(
    signed_in: dict[str, BrowserContext], server: Server, albums: Path
) -> None:
    context = signed_in["wide"]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    with watched_tab(context, server) as tab:
        viewer = open_first(tab)
        path = albums / "colors" / viewer.locator("dd", has_text="red/red-").inner_text()
        with tab.expect_download() as download:
            viewer.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == path.name
        assert download.value.path().read_bytes() == path.read_bytes()
        viewer.get_by_role("button", name="Copy path").click()
        viewer.get_by_role("button", name="Copied").wait_for()
        assert tab.evaluate("navigator.clipboard.readText()") == str(path)


def test_a_missing_photo_has_a_note_in_the_viewer(tab: Page) -> None:
    tab.goto("/?q=red&k=50")
    cards(tab, "red-")
    tab.get_by_role("button", name="similar").first.wait_for()
    for button in tab.locator(".ps-duplicates").all():
        button.click()
    tab.locator(".ps-card", has_text="vanished.png").locator(".ps-open").click()
    viewer = tab.get_by_role("dialog", name="Photo")
    viewer.locator(".ps-stage").get_by_text("This photo no longer exists").wait_for()
    assert viewer.get_by_role("link", name="Download").count() == 0
    tab.keyboard.press("ArrowRight")
    photo(viewer)


def test_the_viewer_lists_its_own_keys(tab: Page) -> None:
    viewer = open_first(tab)
    tab.keyboard.press("i")  # also over the entire screen
    tab.keyboard.press("?")
    keys = tab.get_by_role("dialog", name="Keys")
    keys.get_by_text("Slideshow").wait_for()
    expect(keys.get_by_text("Move between photos")).to_be_hidden()
    tab.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(viewer.locator(".ps-facts")).to_be_hidden()
    tab.keyboard.press("ArrowRight")
    viewer.get_by_text("2 /").wait_for()


def test_keys_focus_the_search_move_between_photos_and_list_themselves(tab: Page) -> None:
    tab.goto("/?q=red")
    visible = cards(tab, "red-").locator("visible=true").locator(".ps-open")
    visible.first.focus()
    tab.keyboard.press("ArrowRight")
    expect(visible.nth(1)).to_be_focused()
    tab.keyboard.press("End")
    expect(visible.last).to_be_focused()
    tab.keyboard.press("Home")
    expect(visible.first).to_be_focused()
    tab.keyboard.press("ArrowDown")
    below = tab.evaluate("document.activeElement.shadowRoot.activeElement.getBoundingClientRect().y")
    above = visible.first.bounding_box()
    assert above is not None
    assert below > above["y"] + above["height"] / 2
    tab.keyboard.press("ArrowUp")
    expect(visible.first).to_be_focused()
    tab.keyboard.press("?")
    keys = tab.get_by_role("dialog", name="Keys")
    keys.get_by_text("Move between photos").wait_for()
    tab.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    hint = tab.get_by_role("button", name="Keys")
    expect(hint).to_be_visible(visible=is_wide(tab))
    if is_wide(tab):
        hint.click()
        keys.get_by_text("Move between photos").wait_for()
        keys.get_by_role("button", name="Close").click()
    tab.keyboard.press("/")
    field = tab.get_by_label(QUERY)
    expect(field).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(visible.first).to_be_focused()
    tab.keyboard.press("/")
    field.fill("green")
    tab.keyboard.press("ArrowDown")  # searches as well
    cards(tab, "green-")
    expect(visible.first).to_be_focused()
    tab.keyboard.press("/")
    field.fill("who/what?")
    expect(field).to_have_value("who/what?")  # typed text is no key
    expect(keys).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_hit_is_shown_among_the_photos_of_its_folder(tab: Page, language: str) -> None:
    show = {"en": "Show in folder", "zh": "在文件夹中显示"}[language]
    tab.goto(f"/?q=a+green+picture&k=24&lang={language}&type=png")
    cards(tab, "green-").first.locator(".ps-open").click()
    viewer = tab.get_by_role("dialog")
    name = viewer.locator(".ps-title").inner_text()
    viewer.get_by_role("button", name=show).click()
    tab.wait_for_url(f"**/?folder=green&at=green%2F{name}&lang={language}")
    expect(viewer).to_have_count(0)
    marked = tab.locator(".ps-open[aria-current]")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text(name)
    expect(marked).to_be_in_viewport(ratio=0.9)
    expect(marked).to_be_focused()
    expect(tab.locator(".ps-card")).to_have_count(4)
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    expect(viewer.locator(".ps-title")).to_have_text(name)


def test_a_listed_photo_of_the_top_folder_is_shown_among_all(tab: Page) -> None:
    tab.goto("/?type=jpeg")
    card = tab.locator(".ps-card", has_text="_a_ **b**")
    card.locator(".ps-open").click()
    tab.get_by_role("dialog").get_by_role("button", name="Show in folder").click()
    tab.wait_for_url("**/?at=*")
    heading(tab, "Search 28 photos").wait_for()
    marked = tab.locator(".ps-open[aria-current]")
    expect(marked).to_contain_text("_a_ **b**")
    expect(marked).to_be_in_viewport(ratio=0.9)
    tab.reload()
    expect(marked).to_be_in_viewport(ratio=0.9)
    search(tab, "red")
    cards(tab, "red-")
    expect(marked).to_have_count(0)
    assert "at=" not in tab.url


def test_a_photo_of_an_album_and_a_near_duplicate_are_shown_in_their_folders(tab: Page, albums: Path) -> None:
    with Gallery.open(albums / "colors") as gallery:
        gallery.albums.add("Sea", ["blue/blue-1.png", "red/red-2.png"])
        tab.goto("/?album=Sea")
        tab.locator(".ps-card", has_text="blue-1.png").locator(".ps-open").click()
        show = tab.get_by_role("dialog").get_by_role("button", name="Show in folder")
        show.click()
        tab.wait_for_url("**/?folder=blue&at=blue%2Fblue-1.png")
        expect(tab.get_by_role("tab", name="Find photos")).to_have_attribute("aria-selected", "true")
        expect(tab.locator(".ps-open[aria-current]")).to_be_in_viewport(ratio=0.9)
        gallery.albums.delete("Sea")
    choose_gallery(tab, albums / "copies")
    heading(tab, "Search 6 photos").wait_for()
    tab.get_by_role("tab", name="Near-duplicates").click()
    other = tab.locator(".ps-folded", has_text="red-small").first
    other.wait_for()
    name = names(other)[0]
    other.locator(".ps-open").click()
    show.click()
    tab.wait_for_url(f"**/?folder=red&at=red%2F{name}&gallery=*")
    expect(tab.locator(".ps-open[aria-current]")).to_contain_text(name)
    expect(tab.locator(".ps-open[aria-current]")).to_be_in_viewport(ratio=0.9)
