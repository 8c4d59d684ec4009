"""The first run in a real browser, wide and on a phone: browse to a folder, index it, and search meanwhile."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from photoseek.demo.gallery import PICTURES
from tiny_bundle import COLORS

from .actions import QUERY, cards, choose_gallery, expect, heading, search, sidebar
from .conftest import TOKEN, Server, new_context, page_command, running_page, watched_tab
from .test_accessibility import problems

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HOSTILE = "![x](y) <b>&amp;"
SETTINGS = [("wide", "light", "en"), ("phone", "dark", "en")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with two folders of pictures: 90 that take some seconds, a damaged one, and a video."""
    home = tmp_path / "home"
    for name in ("Pictures/2024", "Pictures/empty", f"Documents/{HOSTILE}"):
        (home / name).mkdir(parents=True)
    Image.new("RGB", (3000, 2000), COLORS["red"]).save(home / "0.png")
    photo = (home / "0.png").read_bytes()
    for number in range(90):
        (home / "Pictures" / "2024" / f"{number}.png").write_bytes(photo + bytes([number]))
    (home / "Pictures" / "broken.jpg").write_bytes(b"no photo")
    (home / "Pictures" / "clip.mp4").write_bytes(b"video")
    return home


@pytest.fixture
def server(home: Path, tmp_path: Path) -> Iterator[Server]:
    """The page without a gallery."""
    command = [each for each in page_command(Path(), "--no-browser") if each not in ("--gallery", ".")]
    with running_page(command, tmp_path, stop_signal=signal.SIGTERM, HOME=str(home), PHOTOSEEK_GALLERY="") as running:
        yield running


@pytest.fixture(params=SETTINGS, ids=lambda setting: setting[0])
def visitor(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A signed-in tab, wide and light, or on a phone and dark."""
    viewport, theme, language = request.param
    with ExitStack() as opened:
        context = new_context(chromium, server, viewport=viewport, color_scheme=theme)
        opened.callback(context.close)
        context.request.get(f"/?token={TOKEN}", max_redirects=0)
        tab = opened.enter_context(watched_tab(context, server))
        tab.goto(f"/?lang={language}")
        yield tab


def crumbs(tab: Page) -> list[str]:
    return tab.locator(".ps-crumbs button").all_inner_texts()


def test_a_folder_is_browsed_to_indexed_and_searched_meanwhile(visitor: Page, home: Path) -> None:
    tab, found = visitor, {}
    heading(tab, "Choose a folder of photos").wait_for()
    inside = tab.locator(".ps-inside button")
    inside.first.wait_for()
    assert crumbs(tab)[-2:] == ["home", "Pictures"]
    assert inside.all_inner_texts() == ["2024\n90 photos", "empty"]
    found["browser"] = problems(tab)
    tab.get_by_role("button", name="home", exact=True).focus()
    tab.keyboard.press("Enter")
    inside.filter(has_text="Documents").wait_for()
    assert tab.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == "home"
    inside.filter(has_text="Documents").click()
    inside.filter(has_text=HOSTILE).wait_for()
    tab.get_by_role("list", name="Places").get_by_role("button", name="Pictures").click()
    tab.get_by_role("button", name="Use “Pictures”").click()
    start = tab.get_by_role("button", name="Index 91 photos")
    start.wait_for()
    tab.get_by_text("91 photos in 2 folders").wait_for()
    tab.get_by_text(re.compile("takes about")).wait_for()
    tab.get_by_text("Left out (1)").click()
    tab.get_by_text("Videos: 1").wait_for()
    found["survey"] = problems(tab)
    start.click()
    tab.get_by_text(re.compile(r"\d+ of 91 photos · about \d+ s left")).wait_for()
    heading(tab, "No such folder").wait_for(state="detached")
    found["indexing"] = problems(tab)
    search(tab, "red")
    early = tab.locator(".ps-found", has_text="photos searched")
    early.wait_for()
    assert int(re.findall(r"(\d+) photos searched", str(early.text_content()))[0]) < 90
    tab.get_by_role("button", name="Stop").wait_for()
    tab.get_by_text("Up to date: 91 photos, 90 new").wait_for(timeout=90_000)
    tab.locator(".ps-found", has_text="90 photos searched").wait_for()
    tab.get_by_text("1 unreadable. 1 left out.").wait_for()
    tab.get_by_role("button", name="Details").click()
    tab.get_by_text("not a photo of a known format").locator("visible=true").wait_for()
    found["outcome"] = problems(tab)
    Image.new("RGB", (60, 40), COLORS["green"]).save(home / "Pictures" / "broken.jpg")
    tab.get_by_role("button", name="Try again").locator("visible=true").click()
    tab.get_by_text("Up to date: 91 photos, 1 new").wait_for()
    tab.get_by_role("button", name="Close").click()
    tab.get_by_text("Up to date").wait_for(state="detached")
    assert found == {name: [] for name in found}


def test_another_folder_is_chosen_in_a_dialog(visitor: Page, home: Path) -> None:
    choose_gallery(visitor, home / "Pictures" / "empty")
    visitor.get_by_text("No photos in this folder").wait_for()
    expect(visitor.get_by_role("button", name="Index this folder")).to_be_disabled()
    visitor.get_by_role("button", name="Choose another folder").click()
    dialog = visitor.get_by_role("dialog", name="Choose a folder")
    dialog.get_by_role("button", name="Pictures").last.click()
    dialog.locator(".ps-inside button", has_text="2024").click()
    dialog.get_by_text("No folders inside").wait_for()
    assert problems(visitor) == []
    dialog.get_by_role("button", name="Use “2024”").click()
    dialog.wait_for(state="detached")
    visitor.get_by_role("button", name="Index 90 photos").wait_for()
    with sidebar(visitor) as side:
        expect(side.get_by_label("Gallery folder")).to_have_value(str(home / "Pictures" / "2024"))
        side.get_by_role("button", name="Browse folders").click()
        dialog.wait_for()
        visitor.keyboard.press("Escape")


def test_the_drawn_scenes_are_indexed_with_one_click_and_described(visitor: Page) -> None:
    visitor.get_by_role("button", name="Or try it with 300 drawn scenes").click()
    visitor.get_by_text("Up to date: 300 photos").wait_for(timeout=90_000)
    search(visitor, "a dog on a beach")
    cards(visitor, "scene-").first.locator(".ps-open").click()
    visitor.get_by_role("button", name="Describe it").click()
    tag = visitor.locator(".ps-tag").first
    tag.wait_for()
    assert problems(visitor) == []
    visitor.get_by_text("Describe with your own captions").click()
    visitor.locator("input[type=file]").last.set_input_files(PICTURES / "captions.token")
    visitor.get_by_text("1,500 of 1,500 captions are new").wait_for(timeout=60_000)
    visitor.locator(".ps-sentences li").first.wait_for()
    assert problems(visitor) == []
    word = tag.locator("span").inner_text()
    tag.click()
    expect(visitor.get_by_label(QUERY)).to_have_value(word)
    visitor.locator(".ps-found").wait_for()
