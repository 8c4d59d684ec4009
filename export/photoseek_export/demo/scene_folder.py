"""The scenes that the embedded bundle learns from: pictures, texts in each language, and splits.

Drawing takes 2 to 3 ms a scene and process.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

from photoseek_export.demo.scenes.scenes import (
    LANGUAGES,
    Language,
    Scene,
    captions,
    captions_file,
    picture_name,
    queries,
    write_captions,
    write_picture,
)

FEW = 2_000
"""Pictures that one process draws sooner than further processes start."""

_CHUNK = 16


@dataclass(frozen=True)
class SceneFolder:
    """Where the files of drawn scenes lie."""

    folder: Path

    @property
    def images(self) -> Path:
        """The pictures of every split, and the files of their captions."""
        return self.folder / "scenes"

    def captions(self, language: Language = "en") -> Path:
        """Five captions for each picture of every split."""
        return self.images / captions_file(language)

    def sentences(self, split: str = "train", language: Language = "en") -> Path:
        """The captions of a split's pictures and, after those of each, its queries: what is trained on."""
        return self.folder / captions_file(language, split)

    def split(self, name: str) -> Path:
        """Names of the pictures of a split."""
        return self.folder / f"{name}.txt"


def write_scenes(
    folder: Path,
    splits: Mapping[str, Sequence[int]],
    *,
    languages: Sequence[Language] = LANGUAGES,
    processes: int = 2,
    few: int = FEW,
    progress: Callable[[int, int], None] | None = None,
) -> SceneFolder:
    """Draw the scenes that are not there yet, and write captions, sentences and splits.

    Args:
        folder: Where all of it goes; pictures that are there already are kept.
        splits: The seeds of each split, none in two of them.
        languages: In which the scenes are worded; every language has the same names and splits.
        processes: How many draw.
        few: Fewer pictures are drawn by this process alone.
        progress: Called with the pictures that are there, and how many there will be.
    """
    scenes, seeds = SceneFolder(folder), list(chain.from_iterable(splits.values()))
    missing = [seed for seed in seeds if not (scenes.images / picture_name(seed)).exists()]
    drawing = _draw(scenes.images, missing, processes if len(missing) >= few else 1)
    for drawn, _ in enumerate(drawing, start=len(seeds) - len(missing)):
        if progress is not None:
            progress(drawn, len(seeds))
    for language in languages:
        write_captions(scenes.captions(language), seeds, captions, language)
        for name, chosen in splits.items():
            write_captions(scenes.sentences(name, language), chosen, sentences, language)
    for name, chosen in splits.items():
        scenes.split(name).write_text("".join(f"{picture_name(seed)}\n" for seed in chosen), "utf-8")
    return scenes


def sentences(scene: Scene, seed: int, language: Language) -> list[str]:
    """A model that has only met whole captions is lost when a visitor names one thing: it learns both."""
    return [*captions(scene, seed, language), *queries(scene, seed, language)]


def _draw(folder: Path, seeds: Sequence[int], processes: int) -> Iterator[None]:
    """One `None` at once, and then one for each picture as it is drawn.

    Processes are spawned: a fork of a process that runs PyTorch's threads can hang. An interrupt reaches this process
    alone, which ends the others.
    """
    yield None
    draw = partial(write_picture, folder)
    if processes < 2:
        yield from map(draw, seeds)
        return
    with get_context("spawn").Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap_unordered(draw, seeds, _CHUNK)
