"""Photos and their captions, validated before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.captions import Caption, captions_of, read_caption_files, read_split
from photoseek_train.errors import DataError

Rows = npt.NDArray[np.int64]
"""Positions, (n,)."""


@dataclass(frozen=True)
class CaptionedPhotos:
    """The photos of a split and all their captions.

    Attributes:
        folder: Where the photos are.
        names: Their paths inside the folder.
        captions: Their captions, each photo's together, in the order of ``names``.
    """

    folder: Path
    names: tuple[str, ...]
    captions: tuple[Caption, ...]

    @classmethod
    def read(
        cls, images: str | Path, captions: str | Path | Sequence[str | Path], split: str | Path | None = None
    ) -> CaptionedPhotos:
        """Read a caption file, or several, and, unless every captioned photo is meant, a split.

        Raises:
            CaptionFileError: A broken line, or a photo of the split without a caption.
            DataError: No such folder, or photos that are not in it.
        """
        found = read_caption_files(captions)
        names = read_split(split) if split is not None else list(dict.fromkeys(item.image for item in found))
        return cls.of(Path(images), names, found)

    @classmethod
    def of(cls, folder: Path, names: Sequence[str], captions: Sequence[Caption]) -> CaptionedPhotos:
        """Choose the captions of ``names``; raises as ``read``."""
        folder = folder.expanduser()
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; give the folder that holds the photos")
        chosen = captions_of(captions, names)
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise DataError(
                f"{folder}: {len(missing)} of {len(names)} photos are not in this folder, "
                f"the first is {missing[0]!r}; give the folder that belongs to the captions"
            )
        return cls(folder, tuple(names), tuple(chosen))

    def __add__(self, other: CaptionedPhotos) -> CaptionedPhotos:
        """Both splits in one, first ours, then theirs."""
        return CaptionedPhotos(self.folder, self.names + other.names, self.captions + other.captions)

    @property
    def paths(self) -> list[Path]:
        """The photos' files."""
        return [self.folder / name for name in self.names]

    @property
    def texts(self) -> list[str]:
        """The captions' sentences."""
        return [caption.text for caption in self.captions]

    @cached_property
    def image_of_text(self) -> Rows:
        """For each caption the position of its photo, (captions,)."""
        position = {name: row for row, name in enumerate(self.names)}
        return np.array([position[caption.image] for caption in self.captions], dtype=np.int64)

    @cached_property
    def captions_of_image(self) -> list[Rows]:
        """For each photo the positions of its captions."""
        order = np.argsort(self.image_of_text, kind="stable")
        counts = np.bincount(self.image_of_text, minlength=len(self.names))
        return list(np.split(order, np.cumsum(counts)[:-1]))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the lines ``NAME#I<TAB>caption``."""
        lines = (f"{item.image}#{item.index}\t{item.text}\n" for item in self.captions)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def expect_disjoint(train: CaptionedPhotos, dev: CaptionedPhotos) -> None:
    """Refuse to measure on photos that were trained on.

    Raises:
        DataError: A photo stands in both splits.
    """
    both = sorted(set(train.names) & set(dev.names))
    if both:
        raise DataError(
            f"{len(both)} photos stand in the training split and in the dev split, the first is {both[0]!r}; "
            "take them out of one"
        )
