"""The photos of the demo: 300 drawn scenes that the model was never trained on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from photoseek.demo.scenes import DEMO_SEEDS, picture_name, write_scenes
from photoseek.demo.world import WORLD
from photoseek.files import make_private_folder

SCENES = 300

EXAMPLES: dict[str, tuple[int, ...]] = {
    "a red car next to a tree at night": (2_005_673, 2_013_264, 2_019_366, 2_050_953, 2_055_784),
    "two white sheep on a meadow": (2_002_740, 2_003_586, 2_009_482, 2_012_351, 2_019_100),
    "a boat on the sea at sunset": (2_000_319, 2_000_441, 2_001_758, 2_002_073, 2_002_608),
    "a cat and a sofa in a living room": (2_000_710, 2_002_413, 2_003_400, 2_003_493, 2_005_831),
}
"""Queries to begin with, and the scenes that were chosen for the gallery because they show them."""

CHINESE_EXAMPLES: dict[str, tuple[int, ...]] = dict(
    zip(
        ("夜里一辆红色的汽车停在树旁边", "草地上的两只白羊", "日落时海上的船", "客厅里的猫和沙发"),
        EXAMPLES.values(),
        strict=True,
    )
)
"""The same in Chinese, with the same scenes."""


def example_names() -> list[str]:
    """The files of the scenes that the first example finds."""
    return [picture_name(seed) for seed in next(iter(EXAMPLES.values()))]


def demo_seeds() -> list[int]:
    """The seeds of the gallery: those of the examples, the others as they come."""
    shown = [seed for seeds in EXAMPLES.values() for seed in seeds]
    return sorted([*DEMO_SEEDS[: SCENES - len(shown)], *shown])


def demo_photos(progress: Callable[[int, int], None] | None = None, *, folder: Path | None = None) -> Path:
    """Draw the demo's scenes, those that are not there yet, and return their folder.

    Args:
        progress: Called with scenes drawn and scenes in all.
        folder: Where they lie. None: ``photoseek/demo-N`` in the user's cache folder.
    """
    if folder is None:
        make_private_folder(cache_folder())
        folder = cache_folder() / f"demo-{WORLD}"

    def tell(drawn: int) -> None:
        if progress is not None:
            progress(drawn, SCENES)

    write_scenes(folder, demo_seeds(), progress=tell)
    return folder


def cache_folder() -> Path:
    """photoseek's place in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "photoseek"
