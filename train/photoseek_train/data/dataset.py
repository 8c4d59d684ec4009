"""Photos and their captions, validated when they are read."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.captions import (
    Caption,
    CaptionFile,
    captions_of,
    match_files,
    read_caption_file,
    read_caption_files,
)
from photoseek.sources.base import ScanGaps
from photoseek.sources.local import scan
from photoseek_train.errors import DataError, SettingsError

Rows = npt.NDArray[np.int64]
"""Row indices, (n,)."""

_log = logging.getLogger(__name__)

_DEV_SHARE, _MAX_DEV = 20, 1_000


@dataclass(frozen=True)
class CaptionedPhotos:
    """The photos of a split and all of their captions. Photos without captions are used in distillation only.

    Attributes:
        folder: Folder of the photos.
        names: Paths of the photos, relative to the folder.
        captions: Captions, grouped by photo in the order of ``names``.
    """

    folder: Path
    names: tuple[str, ...]
    captions: tuple[Caption, ...]

    @classmethod
    def read(
        cls, images: str | Path, captions: str | Path | Sequence[str | Path], split: str | Path | None = None
    ) -> CaptionedPhotos:
        """Read one or more caption files and select a split: a file of names, or a split that the caption files define.

        Args:
            images: Folder of the photos.
            captions: Caption file, or several.
            split: The split. None: every captioned photo.

        Raises:
            CaptionFileError: A line is malformed, or a photo of the split has no caption.
            DataError: The folder does not exist, or lacks photos.
        """
        return cls.of(Path(images), read_caption_files(captions), split)

    @classmethod
    def of(cls, folder: Path, file: CaptionFile, split: str | Path | None) -> CaptionedPhotos:
        """Select a split of a caption file; raises like ``read``."""
        folder = folder.expanduser()
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; pass the folder that contains the photos")
        names, file, missing = match_files(file, folder, split)
        chosen = captions_of(file.captions, names)
        if missing:
            raise DataError(
                f"{folder}: {len(missing)} of {len(names)} photos are not in this folder, "
                f"the first is {missing[0]!r}; pass the folder that belongs to the captions"
            )
        return cls(folder, tuple(names), tuple(chosen))

    def with_uncaptioned(self, file: CaptionFile) -> CaptionedPhotos:
        """Return this split with every photo below its folder that is in none of the captions, of any split."""
        _, file, _ = match_files(file, self.folder, None)
        captioned = {caption.image for caption in file.captions}
        found = sorted(name for name in scan_photos(self.folder) if name not in captioned)
        return CaptionedPhotos(self.folder, (*self.names, *found), self.captions)

    def select(self, rows: Sequence[int]) -> CaptionedPhotos:
        """Return the photos in ``rows``, with their captions."""
        names = tuple(self.names[row] for row in rows)
        captions = (self.captions[position] for row in rows for position in self.captions_of_image[row])
        return CaptionedPhotos(self.folder, names, tuple(captions))

    @property
    def paths(self) -> list[Path]:
        """The files of the photos."""
        return [self.folder / name for name in self.names]

    @property
    def texts(self) -> list[str]:
        """The texts of the captions."""
        return [caption.text for caption in self.captions]

    @cached_property
    def image_of_text(self) -> Rows:
        """For each caption, the position of its photo, (captions,)."""
        position = {name: row for row, name in enumerate(self.names)}
        return np.array([position[caption.image] for caption in self.captions], dtype=np.int64)

    @cached_property
    def captions_of_image(self) -> list[Rows]:
        """For each photo, the positions of its captions."""
        order = np.argsort(self.image_of_text, kind="stable")
        counts = np.bincount(self.image_of_text, minlength=len(self.names))
        return list(np.split(order, np.cumsum(counts)[:-1]))

    @property
    def keyword_texts(self) -> list[str]:
        """The keywords of each caption, joined by commas; the caption if it has no keywords."""
        return [", ".join(caption.keywords) or caption.text for caption in self.captions]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the lines ``NAME#I<TAB>caption``, and a line ``NAME`` for each photo without captions."""
        lines = [f"{item.image}#{item.index}\t{item.text}\n" for item in self.captions]
        captioned = {item.image for item in self.captions}
        lines += [f"{name}\n" for name in self.names if name not in captioned]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @cached_property
    def sha256_with_keywords(self) -> str:
        """SHA-256 over ``sha256`` and the keywords."""
        return hashlib.sha256("\n".join([self.sha256, *self.keyword_texts]).encode()).hexdigest()


def read_splits(
    images: str | Path, captions: str | Path, train: str | Path | None = None, dev: str | Path | None = None
) -> tuple[CaptionedPhotos, CaptionedPhotos]:
    """Return the training and dev photos; they default to the splits ``train`` and ``val`` of the caption file.

    If the caption file defines no splits, and neither is given, ``hold_out`` selects dev photos.

    Raises:
        SettingsError: Only one split is given, and the caption file does not define splits.
        CaptionFileError, DataError: See ``CaptionedPhotos.read``.
    """
    file = read_caption_file(captions)
    if not file.splits and train is None and dev is None:
        every = CaptionedPhotos.of(Path(images), file, None)
        if len(every.names) < 2:
            raise DataError(f"{captions}: expected captions of at least 2 photos, found {len(every.names)}")
        ours, theirs = map(every.select, hold_out(every.names))
        return ours, theirs
    if not file.splits and (train is None or dev is None):
        raise SettingsError(
            f"expected a training split and a dev split, but {captions} defines no splits; pass --train and --dev, "
            "each a file with one photo name per line, or neither to hold out one of 20 photos for dev"
        )
    ours, theirs = (CaptionedPhotos.of(Path(images), file, split) for split in (train or "train", dev or "val"))
    return ours, theirs


def scan_photos(folder: Path) -> list[str]:
    """Return the paths of the photos below a folder, relative to it; log what cannot be read, and what is left out."""
    gaps = ScanGaps()
    names = [entry.path for entry in scan(folder, gaps)]
    for path, reason in gaps.reasons.items():
        _log.warning("%s: cannot be read: %s", folder / path, reason)
    for each in gaps.left_out.left_out():
        _log.warning("%s: left out: %s", folder, each)
    return names


def hold_out(values: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the rows of training and of dev: one of 20 values, at most 1,000, chosen by their hash, is for dev."""
    order = sorted(range(len(values)), key=lambda row: hashlib.sha256(values[row].encode()).digest())
    count = min(max(1, len(values) // _DEV_SHARE), _MAX_DEV)
    return sorted(order[count:]), sorted(order[:count])


def require_keywords(train: CaptionedPhotos) -> None:
    """Check that there are keywords to train on.

    Raises:
        SettingsError: No caption has keywords.
    """
    if not any(caption.keywords for caption in train.captions):
        raise SettingsError(
            "keywords: expected captions with a third column of keywords, found none; "
            "write them with: photoseek-train keywords"
        )


def require_disjoint(train: CaptionedPhotos, dev: CaptionedPhotos) -> None:
    """Check that no dev photo is trained on.

    Raises:
        DataError: A photo is in both splits.
    """
    both = sorted(set(train.names) & set(dev.names))
    if both:
        raise DataError(
            f"{len(both)} photos are in both the training split and the dev split, the first is {both[0]!r}; "
            "remove them from one of the splits"
        )
