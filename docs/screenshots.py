"""Pictures of the search page over the photographs of docs/photographs.py: ``python docs/screenshots.py``.

Needs the extras ``app`` and ``dev``, Chromium or Chrome, and Debian's ``apt-get``; takes half a minute. The photographs
are in a temporary folder.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photographs import write_photographs
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from photoseek import Bundle, Gallery
from photoseek.page.access import NO_TOKEN_VARIABLE
from photoseek.page.launch import GALLERY_VARIABLE, command

IMAGES = Path(__file__).with_name("images")
MAX_BYTES = 300_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUERY = "mountains"
CHINESE = "花"
SHOTS = {
    "page-light": (f"?q={QUERY}", {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}),
    "page-start": ("", {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"}),
    "page-phone": (f"?q={CHINESE}&lang=zh", {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}),
}


def main() -> None:
    """Take every screenshot."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _named(Path(folder) / "Pictures") as place:
        write_photographs(place)
        Gallery.create(place, Bundle.load("demo")).index()
        with serving(place) as url, sync_playwright() as driver:
            found = next(filter(None, map(shutil.which, BROWSERS)), None)
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
            for name, (address, options) in SHOTS.items():
                write_small(IMAGES / f"{name}.webp", taken(browser, url + address, options))


@contextmanager
def _named(folder: Path) -> Iterator[Path]:
    """Yield a short link to a folder, since the page shows its path; the folder itself if the name is taken."""
    short = Path(tempfile.gettempdir(), folder.name)
    if short.exists() or short.is_symlink():
        yield folder
        return
    folder.mkdir()
    short.symlink_to(folder)
    try:
        yield short
    finally:
        short.unlink()


@contextmanager
def serving(photos: Path) -> Iterator[str]:
    """Serve the page for a folder of photos on a free port, and yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {GALLERY_VARIABLE: str(photos), NO_TOKEN_VARIABLE: "1", "XDG_CACHE_HOME": str(photos.parent / "cache")}
    environment = {**os.environ, **settings}
    process = subprocess.Popen(command(port=port, open_browser=False), env=environment, cwd=photos.parent)
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_for(url + "_stcore/health")
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str) -> None:
    """Wait until a URL responds, for at most half a minute."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def taken(browser: Browser, url: str, options: dict[str, object]) -> bytes:
    """Return a screenshot of the page with all photos of its results; of the second run, when the towers are loaded."""
    page = browser.new_page(**options)  # type: ignore[arg-type]
    for _ in range(2):
        page.goto(url)
        page.locator(".ps-card img").nth(2).wait_for()
        page.wait_for_timeout(1000)  # transitions
    picture = page.screenshot()
    page.close()
    return picture


def write_small(path: Path, picture: bytes) -> None:
    """Write a WebP file, which is small for text and photographs alike."""
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, quality=85, method=6)
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: expected at most {MAX_BYTES:,} bytes, found {path.stat().st_size:,}")


if __name__ == "__main__":
    main()
