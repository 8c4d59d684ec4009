"""Packed data sets as parts, each a file with photos and their captions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from photoseek.captions import CaptionColumns


@dataclass(frozen=True)
class Example:
    """A photo of a part, and its captions.

    Attributes:
        name: Relative to the folder of the part, with forward slashes; the data set chose it, so it may be unsafe.
        photo: The content of its file; empty if the part has only its captions.
        captions: Its captions; none if the part has only the photo.
    """

    name: str
    photo: bytes
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Part(ABC):
    """A file of a packed data set.

    Attributes:
        path: The file.
        name: A name that no other part of the data set has; forward slashes separate folders.
        columns: Columns, or keys, of photos and captions, if they have unusual names.
        split: Name of the split that it belongs to; empty if the data set has none.
    """

    path: Path
    name: str
    columns: CaptionColumns
    split: str = ""

    task: ClassVar[str]
    """The name of its progress."""

    @abstractmethod
    def size(self) -> int:
        """Return a measure of its length, for progress."""

    @abstractmethod
    def examples(self, progress: Callable[[int], None]) -> Iterator[Example]:
        """Yield its examples; ``progress`` receives how much of ``size`` was read.

        Raises:
            DataError: The file is damaged, or has other content; the message names it.
        """
