"""Fixtures that every test may use: a small real bundle, and photos of plain colours for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from photoseek import Bundle, Gallery
from tiny_bundle import COLOURS, write_tiny_bundle
from tiny_photos import write_colour


@pytest.fixture(scope="session")
def tiny_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle that knows colours; read only."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def tiny_bundle(tiny_bundle_path: Path) -> Bundle:
    """A bundle that knows colours."""
    return Bundle.load(tiny_bundle_path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 24 photos, four of each colour: ``red/red-0.png`` and so on."""
    folder = tmp_path / "photos"
    for number, (name, colour) in enumerate(COLOURS.items()):
        for index in range(4):
            write_colour(folder / name / f"{name}-{index}.png", colour, seed=10 * number + index)
    return folder


@pytest.fixture
def gallery(photos: Path, tiny_bundle: Bundle) -> Gallery:
    """The photos, indexed."""
    gallery = Gallery.create(photos, tiny_bundle)
    gallery.index()
    return gallery
