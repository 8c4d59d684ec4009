"""Fixtures that every test may use: a small real bundle, and photos of plain colours for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoseek import Bundle, Gallery
from tiny_bundle import COLOURS, write_tiny_bundle


@pytest.fixture(scope="session")
def tiny_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle that knows colours; read only."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def tiny_bundle(tiny_bundle_path: Path) -> Bundle:
    """A bundle that knows colours."""
    return Bundle.load(tiny_bundle_path)


def write_colour(path: Path, colour: tuple[int, int, int], seed: int = 0, size: tuple[int, int] = (48, 36)) -> Path:
    """Write a picture of one colour, a little noisy, so that no two are the same."""
    noise = np.random.default_rng(seed).integers(-12, 13, size=(size[1], size[0], 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(path)
    return path


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
