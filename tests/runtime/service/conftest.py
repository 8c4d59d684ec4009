"""A gallery that no test changes, and a client of a service over it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from photoseek import Bundle, Gallery, Searcher
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color

if TYPE_CHECKING:
    import httpx

_ABSENT = [
    name for name in ("fastapi", "uvicorn", "python_multipart", "prometheus_client", "httpx") if not find_spec(name)
]
collect_ignore_glob = ["test_[!l]*.py"] if _ABSENT else []  # without the extra, only test_launch runs
if find_spec("schemathesis") is None:
    collect_ignore_glob.append("test_schema.py")


@pytest.fixture(scope="session")
def still_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as ``photos``, but never changed."""
    folder = tmp_path_factory.mktemp("service") / "photos"
    for number, (name, color) in enumerate(COLORS.items()):
        for index in range(4):
            write_color(folder / name / f"{name}-{index}.png", color, seed=10 * number + index)
    return folder


@pytest.fixture(scope="session")
def still_searcher(still_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """A searcher over the unchanged photos, with an English and a Chinese tower."""
    bundle = Bundle.load(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "two", chinese=True))
    gallery = Gallery.create(still_photos, bundle)
    gallery.index()
    return Searcher(gallery, mode="service")


@pytest.fixture(scope="session")
def client(still_searcher: Searcher) -> Iterator[httpx.Client]:
    """A client of a service over the unchanged photos."""
    from photoseek.service.app import make_app
    from running_service import running

    with running(make_app(still_searcher)) as client:
        yield client
