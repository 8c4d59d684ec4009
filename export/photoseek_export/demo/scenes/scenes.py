"""Drawn scenes with captions, generated from seeds with numpy and Pillow.

`compose` creates a scene, `render` its image, `captions` five sentences about it, and `queries` search queries for it;
`write_picture` and `write_captions` write them to files. The seeds for training, tuning, demo and testing do not
overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from photoseek_export.demo.scenes import chinese, english
from photoseek_export.demo.scenes.compose import compose as compose
from photoseek_export.demo.scenes.render import render as render
from photoseek_export.demo.scenes.world import Scene as Scene
from photoseek_export.demo.scenes.world import Thing as Thing

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_Texts = Callable[[Scene, int], list[str]]
_CAPTIONS: dict[Language, _Texts] = {"en": english.captions, "zh": chinese.captions}
_QUERIES: dict[Language, _Texts] = {"en": english.queries, "zh": chinese.queries}

TRAIN_SEEDS = range(0, 100_000)
DEV_SEEDS = range(1_000_000, 1_010_000)
DEMO_SEEDS = range(2_000_000, 2_100_000)
TEST_SEEDS = range(3_000_000, 3_010_000)

JPEG_QUALITY = 90


def captions(scene: Scene, seed: int, language: Language = "en") -> list[str]:
    """Return five different captions; at least four name every group with its color and count, and the place."""
    return _CAPTIONS[language](scene, seed)


def queries(scene: Scene, seed: int, language: Language = "en") -> list[str]:
    """Return four phrases, one of each type: one group, its kind alone, two groups, the place."""
    return _QUERIES[language](scene, seed)


def captions_file(language: Language, stem: str = "captions") -> str:
    """Return the name of a caption file: ``captions.token`` in English, ``captions.zh.token`` in Chinese."""
    return f"{stem}.token" if language == "en" else f"{stem}.{language}.token"


def picture_name(seed: int) -> str:
    """Return the file name of the image of a seed."""
    return f"scene-{seed:06d}.jpg"


def write_picture(folder: Path, seed: int) -> None:
    """Draw the scene of a seed into a folder, unless the image exists."""
    path = folder / picture_name(seed)
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    render(compose(seed), seed).save(part, format="JPEG", quality=JPEG_QUALITY)
    part.replace(path)


def write_captions(
    path: Path, seeds: Iterable[int], texts: Callable[[Scene, int, Language], Sequence[str]], language: Language
) -> Path:
    """Write a caption file with texts of each seed (`captions`, `queries`, or both); return its path."""
    part = path.with_suffix(".part")
    lines = (
        f"{picture_name(seed)}#{index}\t{text}\n"
        for seed in seeds
        for index, text in enumerate(texts(compose(seed), seed, language))
    )
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
    part.replace(path)
    return path
