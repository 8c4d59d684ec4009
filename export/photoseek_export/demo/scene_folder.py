"""The scenes that the embedded bundle is trained on: images, texts in each language, and splits.

Drawing takes 2 to 3 ms per scene.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
    progress: Callable[[int, int], None] | None = None,
) -> SceneFolder:
    """Draw missing scenes, and write captions, sentences and splits.

    Args:
        folder: Output folder; existing images are not drawn again.
        splits: Seeds of each split, without overlap.
        languages: Languages of the texts; names and splits are the same in each.
        progress: Called with the number of existing images and the total.

    Returns:
        The folder.
    """
    scenes, seeds = SceneFolder(folder), list(chain.from_iterable(splits.values()))
    for drawn, seed in enumerate(seeds, start=1):
        write_picture(scenes.images, seed)
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
