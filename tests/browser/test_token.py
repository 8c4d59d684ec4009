"""The token of the page in a real browser: missing, wrong, right, after a reload, in a second tab."""

from __future__ import annotations

import signal
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .actions import cards, names
from .conftest import TIMEOUT_S, TOKEN, VIEWPORTS, Server, new_context, page_command, running_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

FORM = "This page requires a token"


def photos_of(page: Page) -> list[str]:
    return names(cards(page, "red-"))


@pytest.mark.parametrize("viewport", VIEWPORTS)
def test_the_form_shows_nothing_else_until_it_receives_the_token(
    chromium: Browser, server: Server, viewport: str
) -> None:
    visitor = new_context(chromium, server, viewport=viewport).new_page()
    requests: list[str] = []
    visitor.on("request", lambda request: requests.append(request.url))
    response = visitor.goto("/?q=red")
    assert response is not None
    assert response.status == 401
    assert FORM in visitor.inner_text("main")
    assert visitor.locator("input, button, a, img, script").evaluate_all("them => them.map(it => it.tagName)") == [
        "INPUT",
        "BUTTON",
    ]
    assert len(requests) == 1
    assert "red-" not in visitor.content()
    visitor.goto("/?token=wrong&q=red")
    visitor.get_by_role("alert").get_by_text("Wrong token").wait_for()
    assert "red-" not in visitor.content()
    visitor.goto("/?q=red")
    visitor.get_by_label("Token").fill("wrong")
    visitor.keyboard.press("Enter")
    visitor.get_by_role("alert").get_by_text("Wrong token").wait_for()
    assert visitor.evaluate("document.scrollingElement.scrollWidth") <= VIEWPORTS[viewport][0]
    visitor.get_by_label("Token").fill(TOKEN)
    visitor.keyboard.press("Enter")
    assert photos_of(visitor)
    assert TOKEN not in visitor.url
    visitor.wait_for_url("**/?q=red")
    visitor.context.close()


def test_the_address_with_the_token_opens_the_page_and_loses_the_token(chromium: Browser, server: Server) -> None:
    visitor = new_context(chromium, server).new_page()
    visitor.goto(f"/?token={TOKEN}&q=red")
    assert photos_of(visitor)
    visitor.wait_for_url("**/?q=red")
    assert visitor.evaluate("document.cookie").count("photoseek") == 0  # no script can read it
    assert TOKEN not in visitor.evaluate("document.referrer + JSON.stringify({...localStorage, ...sessionStorage})")
    visitor.reload()
    assert photos_of(visitor)
    second = visitor.context.new_page()
    second.goto("/?q=red")
    assert photos_of(second)
    assert TOKEN not in server.log.read_text().partition("\n  http")[2].partition("\n")[2]
    visitor.context.close()


def test_form_and_page_are_in_the_language_of_the_browser(chromium: Browser, server: Server) -> None:
    page = new_context(chromium, server, viewport="phone", locale="zh-CN").new_page()
    page.goto("/")
    assert "打开此页面需要令牌" in page.inner_text("main")
    page.get_by_label("令牌").fill(TOKEN)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="搜索 28 张照片").wait_for()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= VIEWPORTS["phone"][0]
    page.context.close()


def fake_browser(folder: Path) -> tuple[Path, Path]:
    """Create an ``xdg-open`` that writes the address into a file; return its folder and the file."""
    opened, opener = folder / "opened", folder / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{opened}.new"\nmv "{opened}.new" "{opened}"\n')
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    return opener.parent, opened


@pytest.mark.skipif(sys.platform != "linux", reason="other systems open browsers in other ways")
def test_a_browser_opens_with_a_single_use_address_and_a_shared_page_has_the_operators_gallery_only(
    chromium: Browser, albums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, opened = fake_browser(tmp_path)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    command = page_command(albums / "colors", "--address", "0.0.0.0")
    with running_page(command, tmp_path, stop_signal=signal.SIGINT, DISPLAY=":99") as server:
        end = time.monotonic() + TIMEOUT_S
        while not opened.exists() and time.monotonic() < end:
            time.sleep(0.05)
        address = opened.read_text()
        assert TOKEN not in address
        page = new_context(chromium, server).new_page()
        page.goto(f"{address}&q=red&gallery={albums / 'damaged'}")
        assert photos_of(page)
        assert page.url.startswith(f"{server.url}?q=red")
        page.locator(".ps-open").first.click()
        page.get_by_role("dialog").get_by_text("1 /").wait_for()
        assert str(albums) not in page.content()
        assert page.get_by_label("Gallery folder").count() == 0
        assert page.get_by_role("button", name="Index this folder").count() == 0
        late = new_context(chromium, server).new_page()
        late.goto(address)
        assert FORM in late.inner_text("main")
        page.context.close()
        late.context.close()
