"""Photos and their captions, validated before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.captions import Caption, captions_of, read_caption_file, read_caption_files
from photoseek_train.errors import DataError, SettingsError

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
        """Read a caption file, or several, and, unless every captioned photo is meant, a split: a file, or theirs.

        Raises:
            CaptionFileError: A broken line, or a photo of the split without a caption.
            DataError: No such folder, or photos that are not in it.
        """
        file = read_caption_files(captions)
        return cls.of(Path(images), file.names(split), file.captions)

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

    @property
    def keyword_texts(self) -> list[str]:
        """The keywords of each caption as one text; the caption itself where it has none."""
        return [", ".join(caption.keywords) or caption.text for caption in self.captions]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the lines ``NAME#I<TAB>caption``."""
        lines = (f"{item.image}#{item.index}\t{item.text}\n" for item in self.captions)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @cached_property
    def sha256_with_keywords(self) -> str:
        """SHA-256 over the captions' hash and the lines of keywords."""
        return hashlib.sha256("\n".join([self.sha256, *self.keyword_texts]).encode()).hexdigest()


def read_splits(
    images: str | Path, captions: str | Path, train: str | Path | None = None, dev: str | Path | None = None
) -> tuple[CaptionedPhotos, CaptionedPhotos]:
    """What to train on and what to measure on; by default the splits ``train`` and ``val`` of the caption file.

    Raises:
        SettingsError: A split is not named, and the caption file carries none.
        CaptionFileError, DataError: As ``CaptionedPhotos.read``.
    """
    file = read_caption_file(captions)
    if not file.splits and (train is None or dev is None):
        raise SettingsError(
            f"expected a split to train on and one to measure on, but {captions} carries no splits of its own; "
            "give --train and --dev, each a file with one photo name a line"
        )
    splits = [file.names(split) for split in (train or "train", dev or "val")]
    ours, theirs = (CaptionedPhotos.of(Path(images), names, file.captions) for names in splits)
    return ours, theirs


def expect_keywords(train: CaptionedPhotos) -> None:
    """Refuse to train on keywords that there aren't.

    Raises:
        SettingsError: No caption has any.
    """
    if not any(caption.keywords for caption in train.captions):
        raise SettingsError(
            "keywords: expected captions with a third column of keywords, found none; "
            "write them with: photoseek-train keywords"
        )


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
