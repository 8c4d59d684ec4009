"""The drawn world: pictures with captions, made from numbers, with numpy and Pillow alone.

`compose` makes a scene, `draw` its picture, `captions` five sentences about it, `queries` what somebody who looks
for it may type; `write_scenes` writes a folder of scenes in the form the trainer and the gallery read. The seeds of
training, tuning, showing and testing never overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from photoseek.demo.composing import compose
from photoseek.demo.painting import draw
from photoseek.demo.queries import queries
from photoseek.demo.wording import captions
from photoseek.demo.world import Scene, Thing

__all__ = [
    "DEMO_SEEDS",
    "DEV_SEEDS",
    "TEST_SEEDS",
    "TRAIN_SEEDS",
    "Scene",
    "Thing",
    "captions",
    "compose",
    "draw",
    "picture_name",
    "queries",
    "write_scenes",
]

TRAIN_SEEDS = range(0, 100_000)
DEV_SEEDS = range(1_000_000, 1_010_000)
DEMO_SEEDS = range(2_000_000, 2_100_000)
TEST_SEEDS = range(3_000_000, 3_010_000)

CAPTIONS_FILE = "captions.token"
JPEG_QUALITY = 90


def picture_name(seed: int) -> str:
    """File name of the picture of a seed."""
    return f"scene-{seed:06d}.jpg"


def write_scenes(folder: Path, seeds: Iterable[int], *, progress: Callable[[int], None] | None = None) -> Path:
    """Write the pictures of `seeds` and a caption file of exactly those seeds; return the caption file.

    Pictures already there are kept, so that an interrupted run continues where it stopped. `progress` is
    called with the number of seeds done so far.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for done, seed in enumerate(seeds, start=1):
        scene = compose(seed)
        _write_picture(folder / picture_name(seed), scene, seed)
        lines += [f"{picture_name(seed)}#{i}\t{text}\n" for i, text in enumerate(captions(scene, seed))]
        if progress is not None:
            progress(done)
    return _write_whole(folder / CAPTIONS_FILE, "".join(lines))


def _write_picture(path: Path, scene: Scene, seed: int) -> None:
    if path.exists():
        return
    part = path.with_suffix(".part")
    draw(scene, seed).save(part, format="JPEG", quality=JPEG_QUALITY)
    part.replace(path)


def _write_whole(path: Path, text: str) -> Path:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)
    return path
