"""Captions and splits, whatever the format of their file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.captions.text_file import numbered_lines, read_text
from photoseek.errors import CaptionFileError
from photoseek.system.user_paths import expanded


def read_split(path: str | Path, remedy: str = "") -> list[str]:
    """Read the image names of a split file, in its order; blank lines are skipped.

    Args:
        path: The file.
        remedy: What the error message says to do if the file cannot be read.

    Raises:
        CaptionFileError: The file is missing, empty or not UTF-8, or contains a name twice.
    """
    first_seen: dict[str, int] = {}
    for number, line in numbered_lines(read_text(Path(path), remedy)):
        name = line.strip()
        earlier = first_seen.setdefault(name, number)
        if earlier != number:
            raise CaptionFileError(f"{path}:{number}: {name!r} is also on line {earlier}; delete one of them")
    if not first_seen:
        raise CaptionFileError(f"{path}: expected one image name a line, found none")
    return list(first_seen)


@dataclass(frozen=True)
class Caption:
    """One caption of an image.

    Attributes:
        image: Path of the image inside the folder of images, with forward slashes.
        index: Number of the caption among those of the image.
        text: The caption, in one line.
        keywords: Its keywords, if the file has them.
    """

    image: str
    index: int
    text: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaptionFile:
    """The content of a caption file.

    Attributes:
        path: The file.
        captions: In the order of the file.
        splits: Image names by split; empty if the file has no splits.
        broken: Why each row that is left out cannot be read.
    """

    path: Path
    captions: tuple[Caption, ...]
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    def names(self, split: str | Path | None = None) -> list[str]:
        """Return the image names of a split, in its order.

        Args:
            split: A split file, or else a split of the caption file. None: every captioned image. ``train`` includes
                ``restval``, as usual for Karpathy's splits of COCO.

        Raises:
            CaptionFileError: There is neither such a file nor such a split, or the file is invalid.
        """
        if split is None:
            return list(dict.fromkeys(caption.image for caption in self.captions))
        if os.path.isfile(expanded(split)) or str(split) not in self.splits:
            return read_split(expanded(split), remedy=self._available_splits())
        extra = self.splits.get("restval", ()) if str(split) == "train" else ()
        return [*self.splits[str(split)], *extra]

    def _available_splits(self) -> str:
        if not self.splits:
            return f"pass a file with one image name a line; {self.path} has no splits"
        return f"pass a file with one image name a line, or a split of {self.path}: {', '.join(self.splits)}"


def captions_of(captions: Iterable[Caption], names: Sequence[str]) -> list[Caption]:
    """Return the captions of a split, in the order of ``names``, each image's captions together.

    Raises:
        CaptionFileError: An image of the split has no caption.
    """
    by_image: dict[str, list[Caption]] = {name: [] for name in names}
    for caption in captions:
        if caption.image in by_image:
            by_image[caption.image].append(caption)
    if missing := [name for name, found in by_image.items() if not found]:
        raise CaptionFileError(
            f"{len(missing)} of {len(by_image)} images of the split have no caption, the first is {missing[0]!r}; "
            "pass the caption file that belongs to this split"
        )
    return [caption for found in by_image.values() for caption in found]
