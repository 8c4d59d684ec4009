"""Captions as every reader gives them.

Files that name the images of a split.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.captions.text_file import numbered_lines, read_text
from photoseek.errors import CaptionFileError
from photoseek.system.user_paths import expanded


def read_split(path: str | Path, otherwise: str = "") -> list[str]:
    """Read the image names of a split, in its order; blank lines are passed over.

    Args:
        path: The file.
        otherwise: What to do if there is none, for the error.

    Raises:
        CaptionFileError: The file is missing, empty or not UTF-8, or a name stands twice.
    """
    first_seen: dict[str, int] = {}
    for number, line in numbered_lines(read_text(Path(path), otherwise)):
        name = line.strip()
        earlier = first_seen.setdefault(name, number)
        if earlier != number:
            raise CaptionFileError(f"{path}:{number}: {name!r} stands on line {earlier} already; delete one of them")
    if not first_seen:
        raise CaptionFileError(f"{path}: expected one image name a line, found none")
    return list(first_seen)


@dataclass(frozen=True)
class Caption:
    """One sentence about one image; ``index`` tells the sentences of an image apart.

    Attributes:
        image: Name of the image inside its folder, with forward slashes where it lies in a folder of that.
        index: Number of the sentence.
        text: The sentence, in one line.
        keywords: What it says in a few words, if the file has them.
    """

    image: str
    index: int
    text: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaptionFile:
    """All that a caption file says.

    Attributes:
        path: Where it is.
        captions: In the order of the file.
        splits: Image names by the split that the file puts them in; empty where it knows no splits.
    """

    path: Path
    captions: tuple[Caption, ...]
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self, split: str | Path | None = None) -> list[str]:
        """The image names of a split, in its order.

        Args:
            split: A file of names; else a split of the caption file itself. None: every captioned image.
                ``train`` also takes in ``restval``, as is customary with Karpathy's splits of COCO.

        Raises:
            CaptionFileError: Neither such a file nor such a split, or the file cannot be used.
        """
        if split is None:
            return list(dict.fromkeys(caption.image for caption in self.captions))
        if os.path.isfile(expanded(split)) or str(split) not in self.splits:
            return read_split(expanded(split), otherwise=self._available_splits())
        extra = self.splits.get("restval", ()) if str(split) == "train" else ()
        return [*self.splits[str(split)], *extra]

    def _available_splits(self) -> str:
        if not self.splits:
            return f"{self.path} carries no splits of its own; give a file with one image name a line"
        return f"give a file with one image name a line, or a split of {self.path}: {', '.join(self.splits)}"


def captions_of(captions: Iterable[Caption], names: Sequence[str]) -> list[Caption]:
    """The captions of a split: in the order of ``names``, each image's captions together.

    Raises:
        CaptionFileError: An image of the split has no caption.
    """
    by_image: dict[str, list[Caption]] = {name: [] for name in names}
    for caption in captions:
        if caption.image in by_image:
            by_image[caption.image].append(caption)
    bare = [name for name, found in by_image.items() if not found]
    if bare:
        raise CaptionFileError(
            f"{len(bare)} of {len(by_image)} images of the split have no caption, the first is {bare[0]!r}; "
            "give the caption file that belongs to this split"
        )
    return [caption for found in by_image.values() for caption in found]
