"""The token of the page in a real browser: shown, missing, wrong, after a reload, in a second tab."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import TIMEOUT_S, TOKEN, Server, free_port, start_page, wait_until_healthy
from .walking import cards, names

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ASKED = "This page opens with a token"


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["wide", "phone"])
def visitor(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab of a browser that has shown no token."""
    width, height = request.param
    context = chromium.new_context(base_url=server.url, viewport={"width": width, "height": height})
    context.set_default_timeout(TIMEOUT_S * 1000)
    page = context.new_page()
    yield page
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    context.close()


def photos_of(page: Page) -> list[str]:
    return names(cards(page, "red-"))


def test_without_the_token_there_is_a_sentence_and_a_field_and_nothing_else(visitor: Page) -> None:
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    answer = visitor.goto("/?q=red")
    assert answer is not None
    assert answer.status == 401
    assert ASKED in visitor.inner_text("main")
    assert visitor.locator("input, button, a, img, script").evaluate_all("them => them.map(it => it.tagName)") == [
        "INPUT",
        "BUTTON",
    ]
    assert len(asked) == 1
    assert "red-" not in visitor.content()


def test_the_field_takes_the_token_and_leads_to_the_search(visitor: Page) -> None:
    visitor.goto("/?q=red")
    visitor.get_by_label("Token").fill("wrong")
    visitor.keyboard.press("Enter")
    visitor.get_by_role("alert").get_by_text("not the token of this page").wait_for()
    visitor.get_by_label("Token").fill(TOKEN)
    visitor.keyboard.press("Enter")
    assert photos_of(visitor)
    assert TOKEN not in visitor.url
    visitor.wait_for_url("**/?q=red")


def test_the_address_with_the_token_opens_the_page_and_loses_the_token(visitor: Page, server: Server) -> None:
    visitor.goto(f"/?token={TOKEN}&q=red")
    assert photos_of(visitor)
    visitor.wait_for_url("**/?q=red")
    assert visitor.evaluate("document.cookie").count("photoseek") == 0  # no script reads it
    assert TOKEN not in visitor.evaluate("document.referrer + JSON.stringify({...localStorage, ...sessionStorage})")
    visitor.reload()
    assert photos_of(visitor)
    second = visitor.context.new_page()
    second.goto("/?q=red")
    assert photos_of(second)
    assert TOKEN not in server.log.read_text().partition("\n  http")[2].partition("\n")[2]


def test_a_wrong_token_in_the_address_is_as_good_as_none(visitor: Page) -> None:
    visitor.goto("/?token=wrong&q=red")
    visitor.get_by_text("not the token of this page").wait_for()
    assert "red-" not in visitor.content()


def test_the_field_asks_in_chinese(chromium: Browser, server: Server) -> None:
    context = chromium.new_context(base_url=server.url, locale="zh-CN")
    page = context.new_page()
    page.goto("/")
    assert "打开本页需要令牌" in page.inner_text("main")
    context.close()


def test_beyond_this_computer_the_page_has_the_operators_gallery_alone(
    chromium: Browser, albums: Path, tmp_path: Path
) -> None:
    pytest.importorskip("streamlit", reason="streamlit is not installed")
    with start_page(albums / "colours", tmp_path, "0.0.0.0") as server:
        context = chromium.new_context(base_url=server.url, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.goto(f"/?token={TOKEN}&q=red&gallery={albums / 'damaged'}")
        found = cards(page, "red-")
        page.locator(".ps-open").first.click()
        page.get_by_role("dialog").get_by_text("1 of").wait_for()
        assert str(albums) not in page.content()
        assert page.get_by_label("Gallery folder").count() == 0
        assert page.get_by_role("button", name="Index this folder").count() == 0
        assert names(found)
        context.close()


@contextmanager
def opened_address(command: list[str], folder: Path, port: int) -> Iterator[str]:
    """Start a server on a desktop whose browser only notes what it is opened with; give that address."""
    noted, opener = folder / "opened", folder / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{noted}.new"\nmv "{noted}.new" "{noted}"\n')
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    environment = {
        **os.environ,
        "DISPLAY": ":99",
        "PATH": f"{opener.parent}:{os.environ['PATH']}",
        "PHOTOSEEK_TOKEN": TOKEN,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    log = folder / "page.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=environment)
    try:
        wait_until_healthy(Server(port, log, process))
        end = time.monotonic() + TIMEOUT_S
        while not noted.exists() and time.monotonic() < end:
            time.sleep(0.05)
        yield noted.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_S)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems open browsers in other ways")
def test_the_browser_that_is_opened_gets_in_once_and_no_command_line_has_the_token(
    chromium: Browser, albums: Path, tmp_path: Path
) -> None:
    pytest.importorskip("streamlit", reason="streamlit is not installed")
    port = free_port()
    command = [sys.executable, "-m", "photoseek", "app", "--gallery", str(albums / "colours"), "--port", str(port)]
    with opened_address(command, tmp_path, port) as address:
        assert TOKEN not in address
        context = chromium.new_context()
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = context.new_page()
        page.goto(f"{address}&q=red")
        assert photos_of(page)
        assert page.url == f"http://127.0.0.1:{port}/?q=red"
        late = chromium.new_context().new_page()
        late.goto(address)
        assert ASKED in late.inner_text("main")
        context.close()
        late.context.close()
