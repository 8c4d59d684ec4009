"""One server and one Chromium for all tests of the page; a fresh tab for each, watched for errors and requests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import photoseek
from photoseek import Bundle, Gallery
from tiny_bundle import COLOURS
from tiny_photos import write_colour

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TIMEOUT_S = 60.0
HOSTILE = (
    "![x](http:/tracker.invalid/x.png).jpg",
    "<img src=x onerror=alert(1)>&amp;.jpg",
    "_a_ **b** `c` :smile:.jpg",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_START = """
import signal
import sys
from pathlib import Path
from photoseek.page.launch import run_page
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
sys.exit(run_page(Path(sys.argv[1]), port=int(sys.argv[2]), open_browser=False))
"""


@dataclass(frozen=True)
class Server:
    """A running page."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@dataclass
class Watched:
    """What a tab did that it should not have done."""

    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def albums(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Path:
    """Galleries by name: ``colours`` (24 photos and five odd ones), ``empty``, ``damaged``."""
    albums = tmp_path_factory.mktemp("albums")
    bundle = Bundle.load(tiny_bundle_path)
    for number, (name, colour) in enumerate(COLOURS.items()):
        for index in range(4):
            write_colour(albums / "colours" / name / f"{name}-{index}.png", colour, seed=10 * number + index)
    for index, name in enumerate(HOSTILE):
        write_colour(albums / "colours" / name, (120, 0, 120), seed=100 + index, size=(40 + 60 * index, 90))
    (albums / "colours" / "broken.jpg").write_bytes(b"no photo")
    vanishing = write_colour(albums / "colours" / "vanished.png", (120, 0, 125), seed=200)
    for name in ("empty", "damaged"):
        (albums / name).mkdir()
    write_colour(albums / "damaged" / "red.png", COLOURS["red"])
    for name in ("colours", "empty", "damaged"):
        Gallery.create(albums / name, bundle).index()
    vanishing.unlink()
    next((albums / "damaged").rglob("index.ann")).write_bytes(b"")
    return albums


@pytest.fixture(scope="session")
def server(albums: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page over the ``colours`` album."""
    if importlib.util.find_spec("streamlit") is None:
        pytest.skip("streamlit is not installed")
    with start_page(albums / "colours", tmp_path_factory.mktemp("server")) as running:
        yield running


class start_page:  # noqa: N801 - a context manager
    """Start the page as the command line does, and end it as Ctrl-C or a service manager does: by SIGTERM."""

    def __init__(self, gallery: Path, folder: Path) -> None:
        self.log = folder / "page.log"
        self.gallery = gallery
        self.folder = folder

    def __enter__(self) -> Server:
        port = free_port()
        source = Path(photoseek.__file__).parents[1]
        path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH", "")]))
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _START, str(self.gallery), str(port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": path},
            )
        self.server = Server(port, self.log, process)
        wait_until_healthy(self.server)
        return self.server

    def __exit__(self, *_: object) -> None:
        process = self.server.process
        process.terminate()
        try:
            process.wait(TIMEOUT_S)
        finally:
            process.kill()


def wait_until_healthy(server: Server) -> None:
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(server.url + "_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    server.process.kill()
    server.process.wait()
    pytest.fail(f"the page did not start:\n{server.log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium or Chrome of this computer."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(_BROWSERS)} is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser, server: Server) -> Iterator[Page]:
    """An empty tab; afterwards: no exception shown, no error in the console, no request to another host."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=server.url)
    context.set_default_timeout(TIMEOUT_S * 1000)
    page = context.new_page()
    watched = Watched()
    page.on("console", lambda message: watched.console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: watched.console.append(str(error)))
    page.on("request", lambda request: None if is_own(request.url, server) else watched.foreign.append(request.url))
    yield page
    exceptions = page.locator("[data-testid=stException]").count()
    context.close()
    assert (exceptions, watched.console, watched.foreign) == (0, [], [])


def is_own(url: str, server: Server) -> bool:
    return url.startswith((server.url, server.url.replace("http:", "ws:"), "data:", "blob:"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the server's log with a failure."""
    report: Any = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and running is not None:
        report.sections.append(("log of the page", running.log.read_text()))
    return report


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photo to search with: blue, in no album."""
    file = tmp_path / "query.jpg"
    Image.new("RGB", (400, 300), COLOURS["blue"]).save(file)
    return file
