"""Actions on the page, and what it shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, LocatorAssertions, Page

QUERY = "What should the photos show?"
_GREEN_FILE = """await (async () => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 40
  const pen = canvas.getContext("2d"); pen.fillStyle = "rgb(30, 180, 40)"; pen.fillRect(0, 0, 40, 40)
  const blob = await new Promise((done) => canvas.toBlob(done))
  const data = new DataTransfer(); data.items.add(new File([blob], "pasted.png", { type: "image/png" }))
  return data
})()"""


def search(tab: Page, text: str) -> None:
    tab.get_by_label(QUERY).fill(text)
    tab.keyboard.press("Enter")


def choose_gallery(tab: Page, folder: Path | str) -> None:
    with sidebar(tab):
        tab.get_by_label("Gallery folder").fill(str(folder))
        tab.keyboard.press("Enter")


@contextmanager
def sidebar(tab: Page) -> Iterator[Locator]:
    """Yield the sidebar; on a phone it is opened, and covers the page until it is closed."""
    found = tab.get_by_test_id("stSidebar")
    collapsed = not is_wide(tab)
    if collapsed:
        tab.get_by_test_id("stExpandSidebarButton").click()
    yield found
    if collapsed:
        found.hover()
        found.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()


def is_wide(tab: Page) -> bool:
    return tab.viewport_size is not None and tab.viewport_size["width"] > 768


def upload(tab: Page, picture: Path) -> None:
    tab.get_by_role("button", name="Photo", exact=False).first.click()
    tab.locator("input[type=file]").first.set_input_files(picture)
    tab.get_by_role("button", name=f"Remove: {picture.name}").wait_for()
    tab.locator("input[type=file]").wait_for(state="detached")  # the popover closes by itself


def paste(tab: Page) -> None:
    """Paste a green picture."""
    tab.evaluate(f"""async () => {{
      const data = {_GREEN_FILE}
      document.dispatchEvent(new ClipboardEvent("paste", {{ clipboardData: data }}))
    }}""")


def drag(tab: Page, event: str, file: str = "") -> bool:
    """Drag a green picture, or another new file, over the page; return whether the page handles it."""
    handled = tab.evaluate(f"""async () => {{
      const data = {file or _GREEN_FILE}
      const options = {{ dataTransfer: data, bubbles: true, cancelable: true, composed: true }}
      return !document.querySelector("h1").dispatchEvent(new DragEvent("{event}", options))
    }}""")
    return bool(handled)


def new_file(name: str, size: int = 1) -> str:
    """Return the script of a file for ``drag``."""
    return f"""(() => {{
      const data = new DataTransfer(); data.items.add(new File([new Uint8Array({size})], "{name}")); return data
    }})()"""


def expect(found: Locator) -> LocatorAssertions:
    """Return assertions that wait: what the page shows follows an action at some distance."""
    from playwright.sync_api import expect as playwright_expect  # it is not installed everywhere

    return playwright_expect(found)


def wait_until(tab: Page, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Poll a condition that no locator expresses."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        tab.wait_for_timeout(50)


def heading(tab: Page, name: str) -> Locator:
    return tab.get_by_role("heading", name=name)


def cards(tab: Page, first: str) -> Locator:
    """Return the cards, once the name of the first one's file starts with ``first``; near-duplicates are hidden."""
    tab.locator(".ps-card").first.filter(has_text=re.compile(rf"(^|/){re.escape(first)}")).wait_for()
    return tab.locator(".ps-card")


def names(found: Locator) -> list[str]:
    return [name.rpartition("/")[2] for name in found.locator(".ps-path").all_text_contents()]


def colors(found: Locator) -> list[str]:
    """Return the color of each visible card."""
    return [name.partition("-")[0] for name in names(found.locator("visible=true"))]
