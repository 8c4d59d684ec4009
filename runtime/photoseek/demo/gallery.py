"""The photos of the demo: 300 drawn scenes that the model was never trained on."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from photoseek.demo.scenes import DEMO_SEEDS, write_scenes

SCENES = 300


def demo_photos(progress: Callable[[int, int], None] | None = None, *, folder: Path | None = None) -> Path:
    """Draw the demo's scenes, those that are not there yet, and return their folder.

    Args:
        progress: Called with scenes drawn and scenes in all.
        folder: Where they lie. None: ``photoseek/demo`` in the user's cache folder.
    """
    folder = folder or cache_folder() / "demo"

    def tell(drawn: int) -> None:
        if progress is not None:
            progress(drawn, SCENES)

    write_scenes(folder, islice(DEMO_SEEDS, SCENES), progress=tell)
    return folder


def cache_folder() -> Path:
    """photoseek's place in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "photoseek"
