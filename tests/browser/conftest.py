"""One server and one Chromium for all tests of the page; a new tab for each, watched for errors and requests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from photoseek import Bundle, Gallery
from photoseek.captions import Caption
from photoseek.page.access import Access
from tiny_bundle import COLORS, write_calibrated
from tiny_photos import write_color, write_pattern

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

TIMEOUT_S = 20.0
TOKEN = "a-token-of-the-tests-0123456789"
VIEWPORTS = {"wide": (1280, 900), "phone": (390, 844)}
HOSTILE = (
    "![x](http:/tracker.invalid/x.png).jpg",
    "<img src=x onerror=alert(1)>&amp;.jpg",
    "_a_ **b** `c` :smile:.jpg",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PHOTOSEEK = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in background processes
runpy.run_module("photoseek", run_name="__main__", alter_sys=True)
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

    @property
    def cookie(self) -> str:
        """The cookie of a browser that has sent the token."""
        return f"photoseek-{self.port}={Access(TOKEN).cookie}"


@dataclass
class Watched:
    """Errors and external requests of a tab."""

    console: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def albums(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Path:
    """Galleries by name: ``colors`` (24 photos and five odd ones, with captions), and others."""
    albums = tmp_path_factory.mktemp("albums")
    bundle = Bundle.load(tiny_bundle_path)
    calibrated = Bundle.load(write_calibrated(tmp_path_factory.mktemp("bundles") / "tiny"))
    for number, (name, color) in enumerate(COLORS.items()):
        for index in range(4):
            write_color(albums / "colors" / name / f"{name}-{index}.png", color, seed=10 * number + index)
    for index, name in enumerate(HOSTILE):
        write_color(albums / "colors" / name, (120, 0, 120), seed=100 + index, size=(40 + 60 * index, 90))
    (albums / "colors" / "broken.jpg").write_bytes(b"no photo")
    vanishing = write_color(albums / "colors" / "vanished.png", (120, 0, 125), seed=200)
    for name in ("empty", "damaged"):
        (albums / name).mkdir()
    write_color(albums / "damaged" / "red.png", COLORS["red"])
    for width, name in (
        (480, "red/red-large"),
        (320, "other/red-medium"),
        (240, "red/red-small"),
        (160, "red/red-tiny"),
    ):
        write_pattern(albums / "copies" / f"{name}.png", width, COLORS["red"])
    for width in (400, 300):
        write_pattern(albums / "copies" / f"blue-{width}.png", width, COLORS["blue"])
    for name in ("empty", "damaged", "copies"):
        Gallery.create(albums / name, bundle).index()
    gallery = Gallery.create(albums / "colors", calibrated)
    gallery.index()
    gallery.add_captions(Caption(f"{name}/{name}-0.png", 0, f"a {name} picture") for name in COLORS)
    vanishing.unlink()
    next((albums / "damaged").rglob("vectors.npy")).write_bytes(b"")
    return albums


@pytest.fixture(scope="session")
def server(albums: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page over the ``colors`` album, ended by SIGTERM."""
    command = page_command(albums / "colors", "--no-browser")
    with running_page(command, tmp_path_factory.mktemp("server"), stop_signal=signal.SIGTERM) as running:
        yield running


def page_command(gallery: Path, *options: str) -> list[str]:
    """Return the command line of ``photoseek app``, without its port."""
    return [sys.executable, "-c", _PHOTOSEEK, "app", "--gallery", str(gallery), *options]


@contextmanager
def running_page(
    command: list[str], folder: Path, *, stop_signal: signal.Signals | None, port_option: str = "--port", **added: str
) -> Iterator[Server]:
    """Run a page and yield it when it responds; expect that a signal ends it without errors and frees the port.

    Args:
        command: Command line without the port.
        folder: Folder of its log and its cache.
        stop_signal: Signal that ends it. None: it is killed, and nothing is expected.
        port_option: Option of the command for the port.
        **added: Environment variables.
    """
    if importlib.util.find_spec("streamlit") is None:
        pytest.skip("streamlit is not installed")
    port, log = free_port(), folder / "page.log"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PHOTOSEEK_TOKEN": TOKEN,
        "XDG_CACHE_HOME": str(folder / "cache"),
        **added,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"{port_option}={port}"], stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
    running = Server(port, log, process)
    try:
        wait_until_healthy(running)
        yield running
        if stop_signal is not None:
            process.send_signal(stop_signal)
            assert process.wait(TIMEOUT_S) == 0, log.read_text()
            with socket.socket() as client, pytest.raises(ConnectionRefusedError):
                client.connect(("127.0.0.1", port))
            assert "Traceback" not in log.read_text()
    finally:
        process.terminate()  # the launcher passes it on to its server
        try:
            process.wait(TIMEOUT_S)
        finally:
            process.kill()


def wait_until_healthy(server: Server) -> None:
    end = time.monotonic() + 3 * TIMEOUT_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(server.url + "_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the page did not start:\n{server.log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")  # playwright's event loop runs until then, and no other can run in the process
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


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, server: Server) -> Iterator[dict[str, BrowserContext]]:
    """A signed-in browser profile for each viewport. Its tabs share the HTTP cache, and each tab is a new session."""
    contexts = {name: new_context(chromium, server, viewport=name) for name in VIEWPORTS}
    for context in contexts.values():
        context.request.get(f"/?token={TOKEN}", max_redirects=0)  # the tabs share the cookie
    yield contexts
    for context in contexts.values():
        context.close()


def new_context(chromium: Browser, server: Server, *, viewport: str = "wide", **options: Any) -> BrowserContext:
    """Return a new browser profile, without a cookie."""
    width, height = VIEWPORTS[viewport]
    context = chromium.new_context(base_url=server.url, viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(TIMEOUT_S * 1000)
    return context


@pytest.fixture(params=VIEWPORTS)
def tab(signed_in: dict[str, BrowserContext], server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new signed-in tab, wide and as on a phone."""
    with watched_tab(signed_in[request.param], server) as page:
        yield page


@contextmanager
def watched_tab(context: BrowserContext, server: Server) -> Iterator[Page]:
    """Open a tab; expect no exception on the page, no error in the console, no request to another host, and no
    horizontal scroll bar."""
    page = context.new_page()
    watched = Watched()
    page.on("console", lambda message: watched.console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: watched.console.append(str(error)))
    page.on("request", lambda request: None if is_local(request.url, server) else watched.external.append(request.url))
    try:
        yield page
        exceptions = page.locator("[data-testid=stException]").count()
        overflow = page.evaluate("document.scrollingElement.scrollWidth > window.innerWidth")
    finally:
        page.close()
    assert (exceptions, watched.console, watched.external, overflow) == (0, [], [], False)


def is_local(url: str, server: Server) -> bool:
    return url.startswith((server.url, server.url.replace("http:", "ws:"), "data:", "blob:"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the server's log with a failure."""
    report: Any = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and running is not None and running.log.exists():  # not after a teardown that removed its folder
        report.sections.append(("log of the page", running.log.read_text()))
    return report


@pytest.fixture
def unindexed(tmp_path: Path) -> Path:
    """A folder of 40 photos that take some seconds, and a damaged one; no gallery yet."""
    folder = tmp_path / "new"
    folder.mkdir()
    Image.new("RGB", (4000, 3000), COLORS["red"]).save(folder / "0.png")
    photo = (folder / "0.png").read_bytes()
    for number in range(40):  # trailing bytes make each content unique
        (folder / f"{number}.png").write_bytes(photo + bytes([number]))
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photo to search with: blue, in no album."""
    file = tmp_path / "query.jpg"
    Image.new("RGB", (400, 300), COLORS["blue"]).save(file)
    return file
