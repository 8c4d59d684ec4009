"""A web page of another origin searches with the service and shows the photos, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Gallery, Searcher

pytest.importorskip("fastapi", reason="the extra serve is not installed")

from photoseek.service.app import make_app
from running_service import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

_PAGE = """<!doctype html><script type="module">
const service = new URLSearchParams(location.search).get("service")
try {
  const answer = await fetch(`${service}/v1/search?q=red&k=3`)
  const { hits } = await answer.json()
  for (const hit of hits) {
    const photo = new Image()
    photo.crossOrigin = "anonymous"
    photo.src = `${service}/v1/photos/${hit.id}/thumbnail`
    await photo.decode()
    document.body.append(photo)
  }
  document.title = "shown"
} catch { document.title = "refused" }
</script>"""


@pytest.fixture
def page_address(tmp_path: Path) -> Iterator[str]:
    """The address of a static server, another origin than that of the service."""
    (tmp_path / "index.html").write_text(_PAGE, "utf-8")
    handler = partial(_Quiet, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.mark.parametrize("allowed", [True, False])
def test_only_a_page_of_an_allowed_origin_shows_photos(
    chromium: Browser, albums: Path, page_address: str, allowed: bool
) -> None:
    with Gallery.open(albums / "colors", trust=True) as gallery:
        app = make_app(Searcher(gallery, mode="service"), origins=[page_address] if allowed else [])
        with running(app) as service:
            tab = chromium.new_page()
            tab.goto(f"{page_address}/?service={str(service.base_url).rstrip('/')}")
            tab.wait_for_function("document.title !== ''")
            widths = tab.locator("img").evaluate_all("photos => photos.map((photo) => photo.naturalWidth)")
            assert (tab.title(), widths) == (("shown", [48] * 3) if allowed else ("refused", []))
            tab.close()
