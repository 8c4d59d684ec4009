"""How long after Enter does the page show what was found, beyond the library's own time?

    python benchmarks/first_paint.py GALLERY QUERIES

A real browser types the lines of the file QUERIES into the search page, one after the other, and notes when the answer
and every photo of it that is in sight have been painted. The library's own time is what the page tells of that very
query: encoding it and finding the nearest. Needs the extras ``app`` and ``dev``, and a Chromium or Chrome.
"""

from __future__ import annotations

import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contest import write
from playwright.sync_api import Page, sync_playwright

from photoseek import Gallery, Searcher

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_WINDOWS = {"1280 x 860": (1280, 860), "390 x 844": (390, 844)}
_WARM_UP = 5
_QUERIES = 100
_TIMEOUT_MS = 30_000

# Of the next Enter: milliseconds to the frame in which the answer, with each of its photos in sight, has been painted.
_WATCH = """
() => {
  const found = {}
  const hosts = () => [...document.querySelectorAll("*")].map((node) => node.shadowRoot).filter(Boolean)
  let roots = hosts()
  const cards = () => roots.flatMap((root) => [...root.querySelectorAll(".ps-card")])
  const inSight = (image) => {
    const box = image.getBoundingClientRect()
    return box.height > 0 && box.top < innerHeight && box.bottom > 0
  }
  const before = new Set(cards())
  found.painted = new Promise((tell, fail) => {
    let begun
    const look = () => {
      if (!before.size) roots = hosts()
      const now = cards()
      const images = now.flatMap((card) => [...card.querySelectorAll("img")]).filter(inSight)
      if (images.length && !now.some((card) => before.has(card)) && images.every((image) => image.complete))
        Promise.all(images.map((image) => image.decode())).then(() =>
          requestAnimationFrame(() => setTimeout(() => tell(performance.now() - begun)))
        )
      else if (performance.now() - begun > TIMEOUT) fail(new Error("no answer in time"))
      else requestAnimationFrame(look)
    }
    addEventListener("keydown", () => { begun = performance.now(); look() }, { once: true, capture: true })
  })
  return found
}
""".replace("TIMEOUT", str(_TIMEOUT_MS))


def main(gallery: Path, queries: Path) -> None:
    """Serve the page, ask, write the result."""
    texts = _answered(gallery, queries)
    rows = {}
    with _page_of(gallery) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, _BROWSERS))), args=["--no-sandbox", "--disable-gpu"]
        )
        for window, (width, height) in _WINDOWS.items():
            shutil.rmtree(Gallery.open(gallery).path / "thumbnails", ignore_errors=True)
            for thumbnails in ("made", "kept"):
                tab = browser.new_page(viewport={"width": width, "height": height})
                rows[f"{window}, thumbnails {thumbnails}"] = _figures(tab, url, texts)
                tab.close()
    photos = Gallery.open(gallery).status().searchable
    question = f"The page: milliseconds from Enter to the painted answer, {photos:,} photos"
    write("first_paint", question, rows, rounds=1, command="first_paint.py GALLERY QUERIES")


def _answered(gallery: Path, queries: Path) -> list[str]:
    """The first queries that are answered with photos: doubtful ones stay folded away."""
    found = []
    with Gallery.open(gallery) as opened:
        searcher = Searcher(opened)
        for text in filter(None, queries.read_text("utf-8").splitlines()):
            hits = searcher.search(text, k=1)
            if hits and not hits[0].low_confidence:
                found.append(text)
            if len(found) == _QUERIES + _WARM_UP:
                break
    return found


@contextmanager
def _page_of(gallery: Path) -> Iterator[str]:
    """The page as people start it, at a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "photoseek", "app", "--gallery", str(gallery), "--port", str(port), "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(300):
            try:
                urllib.request.urlopen(url + "_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def _figures(tab: Page, url: str, texts: Sequence[str]) -> dict[str, float]:
    tab.goto(url)
    field = tab.get_by_label("What should the photos show?")
    field.wait_for()
    taken, own = [], []
    for text in texts:
        field.fill(text)
        watch = tab.evaluate_handle(_WATCH)
        field.press("Enter")
        taken.append(watch.evaluate("found => found.painted"))
        own.append(_library_ms(tab))
    taken, own = taken[_WARM_UP:], own[_WARM_UP:]
    beyond = sorted(all_of_it - library for all_of_it, library in zip(taken, own, strict=True))
    return {
        "queries": len(taken),
        "painted, p50_ms": round(statistics.median(taken)),
        "library, p50_ms": round(statistics.median(own), 1),
        "beyond, p50_ms": round(statistics.median(beyond)),
        "beyond, p95_ms": round(beyond[int(0.95 * len(beyond))]),
        "beyond, most_ms": round(beyond[-1]),
    }


def _library_ms(tab: Page) -> float:
    """What the page tells of the query: read, and searched."""
    told = tab.locator(".ps-found").inner_text()
    return sum(float(ms) for ms in re.findall(r"in ([\d.]+) ms", told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
