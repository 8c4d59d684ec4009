"""Fixtures of galleries that have been used: with thumbnails, two snapshots and two bundles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from photoseek.page.thumbnail_cache import ThumbnailCache
from tiny_bundle import COLORS, DIM, write_tiny_bundle
from tiny_photos import write_color


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.load(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "second", name="second", seed=4, dim=DIM))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder of six photos."""
    for number, color in enumerate(COLORS.values()):
        write_color(tmp_path / "few" / f"{number}.png", color, seed=number)
    return tmp_path / "few"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_path: Path, second: Bundle) -> Path:
    """The folder that ``used`` is a copy of."""
    folder = tmp_path_factory.mktemp("template") / "few"
    for number, color in enumerate(COLORS.values()):
        write_color(folder / f"{number}.png", color, seed=number)
    with Gallery.create(folder, Bundle.load(tiny_bundle_path)) as gallery:
        gallery.bundles.add(second)
        for color in ("blue", "white"):
            write_color(folder / "more.png", COLORS[color])
            gallery.index()
        ThumbnailCache(gallery.path).thumbnail(folder / "0.png")
    return folder


@pytest.fixture
def used(template: Path, few: Path) -> Gallery:
    """A gallery of ``few`` with a thumbnail, two snapshots and two bundles."""
    shutil.copytree(template, few, dirs_exist_ok=True)
    return Gallery.open(few)
