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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import photoseek
from photoseek import Bundle, Gallery
from photoseek.bundle.manifest import Manifest
from photoseek.captions import Caption
from photoseek.page.access import Access
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TIMEOUT_S = 20.0
TOKEN = "a-token-of-the-tests-0123456789"
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
sys.exit(run_page(Path(sys.argv[1]), address=sys.argv[3], port=int(sys.argv[2]), open_browser=False))
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
        """What a browser that has shown the token sends from then on."""
        return f"photoseek-{self.port}={Access(TOKEN).cookie}"


@dataclass
class Watched:
    """What a tab did that it should not have done."""

    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def albums(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path) -> Path:
    """Galleries by name: ``colours`` (24 photos and five odd ones, with captions), ``empty``, ``damaged``."""
    albums = tmp_path_factory.mktemp("albums")
    bundle = Bundle.load(tiny_bundle_path)
    calibrated = Bundle.load(write_calibrated(tmp_path_factory.mktemp("bundles") / "tiny"))
    for number, (name, color) in enumerate(COLORS.items()):
        for index in range(4):
            write_color(albums / "colours" / name / f"{name}-{index}.png", color, seed=10 * number + index)
    for index, name in enumerate(HOSTILE):
        write_color(albums / "colours" / name, (120, 0, 120), seed=100 + index, size=(40 + 60 * index, 90))
    (albums / "colours" / "broken.jpg").write_bytes(b"no photo")
    vanishing = write_color(albums / "colours" / "vanished.png", (120, 0, 125), seed=200)
    for name in ("empty", "damaged"):
        (albums / name).mkdir()
    write_color(albums / "damaged" / "red.png", COLORS["red"])
    for name in ("empty", "damaged"):
        Gallery.create(albums / name, bundle).index()
    gallery = Gallery.create(albums / "colours", calibrated)
    gallery.index()
    gallery.add_captions(Caption(f"{name}/{name}-0.png", 0, f"a {name} picture") for name in COLORS)
    vanishing.unlink()
    next((albums / "damaged").rglob("vectors.npy")).write_bytes(b"")
    return albums


def write_calibrated(folder: Path) -> Path:
    """A tiny bundle that knows how far its cosines can be trusted."""
    write_tiny_bundle(folder)
    manifest = Manifest.read(folder)
    curve = {"slope": 20.0, "intercept": -17.0, "min_similarity": 0.7, "photos": 9, "captions": 9}
    manifest.precisions["fp32"]["confidence"] = curve
    manifest.write(folder)
    return folder


@pytest.fixture(scope="session")
def server(albums: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page over the ``colours`` album."""
    if importlib.util.find_spec("streamlit") is None:
        pytest.skip("streamlit is not installed")
    with start_page(albums / "colours", tmp_path_factory.mktemp("server")) as running:
        yield running


class start_page:  # noqa: N801 - a context manager
    """Start the page as the command line does, and end it as Ctrl-C or a service manager does: by SIGTERM."""

    def __init__(self, gallery: Path, folder: Path, address: str = "127.0.0.1") -> None:
        self.log = folder / "page.log"
        self.address = address
        self.gallery = gallery
        self.folder = folder

    def __enter__(self) -> Server:
        port = free_port()
        source = Path(photoseek.__file__).parents[1]
        path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH", "")]))
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _START, str(self.gallery), str(port), self.address],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": path,
                    "PHOTOSEEK_TOKEN": TOKEN,
                    "XDG_CACHE_HOME": str(self.folder / "cache"),
                },
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


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["wide", "phone"])
def tab(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty tab, wide and as on a telephone; afterwards: nothing reaches beyond its right side."""
    width, height = request.param
    with watched_tab(chromium, server, viewport={"width": width, "height": height}) as page:
        yield page
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@contextmanager
def watched_tab(chromium: Browser, server: Server, *, token: str = TOKEN, **options: Any) -> Iterator[Page]:
    """A tab of a browser that has shown the token; afterwards: no exception shown, no error in the console, no request
    to another host."""
    context = chromium.new_context(base_url=server.url, **options)
    context.set_default_timeout(TIMEOUT_S * 1000)
    context.request.get(f"/?token={token}", max_redirects=0)  # shares its cookies with the tab
    page = context.new_page()
    watched = Watched()
    page.on("console", lambda message: watched.console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: watched.console.append(str(error)))
    page.on("request", lambda request: None if is_own(request.url, server) else watched.foreign.append(request.url))
    try:
        yield page
        exceptions = page.locator("[data-testid=stException]").count()
    finally:
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
def unindexed(tmp_path: Path) -> Path:
    """A folder of 50 photos that take some seconds, and one that is none; no gallery yet."""
    folder = tmp_path / "new"
    folder.mkdir()
    Image.new("RGB", (4000, 3000), COLORS["red"]).save(folder / "0.png")
    photo = (folder / "0.png").read_bytes()
    for number in range(50):  # what stands behind the picture makes each a content of its own
        (folder / f"{number}.png").write_bytes(photo + bytes([number]))
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photo to search with: blue, in no album."""
    file = tmp_path / "query.jpg"
    Image.new("RGB", (400, 300), COLORS["blue"]).save(file)
    return file
