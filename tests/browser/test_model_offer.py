"""A larger model from the page, wide and on a phone: offer, download, search meanwhile, stop, continue, switch."""

from __future__ import annotations

import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from external_models import write_registered
from hub_server import Hub, serve_hub
from photoseek import Bundle, Gallery
from photoseek.gallery.location import FOLDER
from photoseek.models.recommendation import recommended_model

from .actions import cards, colors, search
from .conftest import TOKEN, VIEWPORTS, Server, new_context, page_command, running_page, watched_tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

MODEL = recommended_model("en")
OFFER = "This is the small built-in model"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with the offered model; its tokenizer has 4 MB and stops halfway until the event is set."""
    folder = write_registered(tmp_path / "model", MODEL.name, MODEL.precision)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().ljust(4_000_000))
    with serve_hub() as running:
        running.add_folder(MODEL.repository, folder)
        running.pauses["tokenizer.json"] = threading.Event()
        yield running


@pytest.fixture
def server(albums: Path, hub: Hub, tmp_path: Path) -> Iterator[Server]:
    """The page over photos that only the embedded bundle has indexed."""
    photos = shutil.copytree(albums / "colors", tmp_path / "photos", ignore=shutil.ignore_patterns(FOLDER))
    with Gallery.create(photos, Bundle.load("demo")) as gallery:
        gallery.index()
    places = {"PHOTOSEEK_MODELS": str(tmp_path / "installed"), "HF_HOME": str(tmp_path / "hub-cache")}
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "HF_ENDPOINT": hub.address}
    with running_page(
        page_command(photos, "--no-browser"), tmp_path, stop_signal=signal.SIGTERM, **places, **state
    ) as running:
        yield running


def test_one_click_sets_up_a_larger_model_while_the_small_one_answers(
    chromium: Browser, server: Server, hub: Hub
) -> None:
    with ExitStack() as opened:
        contexts = [new_context(chromium, server, viewport=viewport) for viewport in VIEWPORTS]
        for context in contexts:
            opened.callback(context.close)
            context.request.get(f"/?token={TOKEN}", max_redirects=0)
        wide, phone = (opened.enter_context(watched_tab(context, server)) for context in contexts)
        for tab in (wide, phone):
            tab.goto("/")
            tab.get_by_text(OFFER).wait_for()
            tab.get_by_text(f"{MODEL.name}, a download of {MODEL.megabytes} MB from {hub.address}").wait_for()
        assert hub.requests == []
        wide.get_by_role("button", name="Download and index").click()
        progress = re.compile(r"\d of 4 MB")
        wide.get_by_text(progress).wait_for()
        phone.reload()
        for tab in (phone, wide):
            tab.get_by_text(progress).wait_for()
            search(tab, "a blue picture")
            tab.locator(".ps-found", has_text="27 photos searched").wait_for()
        phone.get_by_role("button", name="Stop").click()
        hub.pauses.pop("tokenizer.json").set()
        for tab in (wide, phone):
            tab.get_by_text("Stopped. Completed work is saved").wait_for()
        wide.get_by_role("button", name="Continue").click()
        wide.get_by_text(f"{MODEL.name} now searches your photos").wait_for()
        phone.reload()
        for tab in (wide, phone):
            search(tab, "blue")
            assert colors(cards(tab, "blue-"))[0] == "blue"
            assert tab.get_by_text(OFFER).count() == 0
