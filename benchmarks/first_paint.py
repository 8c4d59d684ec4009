"""Time from Enter to painted results on the search page, beyond the time of the library.

    python benchmarks/first_paint.py GALLERY QUERIES

A browser types the lines of the file QUERIES into the search page, one after the other, and records when the results
and all visible photos are painted. The time of the library is what the page reports for the query: encoding and
search. Needs the extras ``app`` and ``dev``, and Chromium or Chrome.
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

# Milliseconds from the next Enter to the frame in which the results with all visible photos are painted.
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
  found.painted = new Promise((resolve, reject) => {
    let begun
    const look = () => {
      if (!before.size) roots = hosts()
      const now = cards()
      const images = now.flatMap((card) => [...card.querySelectorAll("img")]).filter(inSight)
      if (images.length && !now.some((card) => before.has(card)) && images.every((image) => image.complete))
        Promise.all(images.map((image) => image.decode())).then(() =>
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)))
        )
      else if (performance.now() - begun > TIMEOUT) reject(new Error("no results in time"))
      else requestAnimationFrame(look)
    }
    addEventListener("keydown", () => { begun = performance.now(); look() }, { once: true, capture: true })
  })
  return found
}
""".replace("TIMEOUT", str(_TIMEOUT_MS))


def main(gallery: Path, queries: Path) -> None:
    """Start the page, run the queries and write the result."""
    texts = _confident_queries(gallery, queries)
    rows = {}
    with _page_of(gallery) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, _BROWSERS))), args=["--no-sandbox", "--disable-gpu"]
        )
        for window, (width, height) in _WINDOWS.items():
            shutil.rmtree(Gallery.open(gallery).path / "thumbnails", ignore_errors=True)
            for thumbnails in ("new", "cached"):
                tab = browser.new_page(viewport={"width": width, "height": height})
                rows[f"{window}, {thumbnails} thumbnails"] = _figures(tab, url, texts)
                tab.close()
    photos = Gallery.open(gallery).status().searchable
    question = f"The page: milliseconds from Enter to painted results, {photos:,} photos"
    write("first_paint", question, rows, rounds=1, command="first_paint.py GALLERY QUERIES")


def _confident_queries(gallery: Path, queries: Path) -> list[str]:
    """Return the first queries with confident hits; the page collapses the others."""
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
    """Start the page on a free port and yield its URL."""
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
    taken, library = [], []
    for text in texts:
        field.fill(text)
        watch = tab.evaluate_handle(_WATCH)
        field.press("Enter")
        taken.append(watch.evaluate("found => found.painted"))
        library.append(_library_ms(tab))
    taken, library = taken[_WARM_UP:], library[_WARM_UP:]
    beyond = sorted(total - part for total, part in zip(taken, library, strict=True))
    return {
        "queries": len(taken),
        "painted, p50_ms": round(statistics.median(taken)),
        "library, p50_ms": round(statistics.median(library), 1),
        "beyond, p50_ms": round(statistics.median(beyond)),
        "beyond, p95_ms": round(beyond[int(0.95 * len(beyond))]),
        "beyond, most_ms": round(beyond[-1]),
    }


def _library_ms(tab: Page) -> float:
    """Return the milliseconds that the page reports for encoding and search."""
    status = tab.locator(".ps-found").inner_text()
    return sum(float(ms) for ms in re.findall(r"in ([\d.]+) ms", status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
