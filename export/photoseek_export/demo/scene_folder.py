"""The scenes that the embedded bundle is trained on: images, texts in each language, and splits.

Drawing takes 2 to 3 ms per scene and process.
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
"""Below this number of images, a single process is faster."""

_CHUNK = 16


@dataclass(frozen=True)
class SceneFolder:
    """The files of drawn scenes."""

    folder: Path

    @property
    def images(self) -> Path:
        """The images of every split, and their captions."""
        return self.folder / "scenes"

    def captions(self, language: Language = "en") -> Path:
        """Return the file with five captions for each image of every split."""
        return self.images / captions_file(language)

    def sentences(self, split: str = "train", language: Language = "en") -> Path:
        """Return the file with the training texts of a split: captions and queries of each image."""
        return self.folder / captions_file(language, split)

    def split(self, name: str) -> Path:
        """Return the file with the image names of a split."""
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
    """Draw missing scenes, and write captions, sentences and splits.

    Args:
        folder: Output folder; existing images are kept.
        splits: Seeds of each split, without overlap.
        languages: Languages of the texts; names and splits are the same in each.
        processes: Number of processes.
        few: Below this number of images, use one process.
        progress: Called with the number of existing images and the total.

    Returns:
        The folder.
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
    """Return captions and queries: a model trained only on full captions fails on queries that name a single object."""
    return [*captions(scene, seed, language), *queries(scene, seed, language)]


def _draw(folder: Path, seeds: Sequence[int], processes: int) -> Iterator[None]:
    """Yield None once at the start, then once for each drawn image.

    Processes are spawned: forking a process with PyTorch threads can deadlock. Only this process handles an interrupt;
    it terminates the others.
    """
    yield None
    draw = partial(write_picture, folder)
    if processes < 2:
        yield from map(draw, seeds)
        return
    with get_context("spawn").Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap_unordered(draw, seeds, _CHUNK)
