"""Lines ``NAME#I<TAB>caption``, all or none of them with a third column ``keyword, keyword, ...``.

Flickr8K-CN and COCO-CN have a label of the caption's source in the middle, ``NAME#zhc#0``, and Flickr8K-CN has a space
in place of the tab.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.captions.broken_rows import BrokenRows
from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.text_file import numbered_lines, truncate
from photoseek.errors import CaptionFileError

_COLUMNS = {2: "NAME#I<TAB>caption", 3: "NAME#I<TAB>caption<TAB>keyword, keyword, ..."}
_SPACED = re.compile(r"(?P<label>\S+#\d+)\s+(?P<caption>.*)")
_SOURCE = re.compile(r"(?P<image>.+)#[A-Za-z]\w*")


def is_spaced(line: str) -> bool:
    """Return whether a line has a space in place of the tab."""
    return "\t" not in line and _SPACED.fullmatch(line.rstrip()) is not None


def read_token_lines(path: Path, text: str, known: frozenset[str] | None) -> CaptionFile:
    """Read the lines; the first one determines the number of columns, and whether a space replaces the tab.

    Raises:
        CaptionFileError: Too many lines without a tab, with another number of columns, without ``#`` or a number after
            it, without a caption, with an unknown image, or with the ``NAME#I`` of an earlier line.
    """
    lines, broken = _Lines(path, known), BrokenRows()
    found = [broken.read(lines.parse, line) for line in numbered_lines(text)]
    messages = broken.messages()
    return CaptionFile(path, tuple(caption for caption in found if caption is not None), broken=messages)


@dataclass
class _Lines:
    """Parses the lines of a file."""

    path: Path
    known: frozenset[str] | None
    columns: int = 0
    spaced: bool = False
    first_seen: dict[str, int] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)

    def parse(self, numbered: tuple[int, str]) -> Caption:
        """Return the caption of a line."""
        number, line = numbered
        where = f"{self.path}:{number}"
        if not self.columns:
            self.spaced = is_spaced(line)
            self.columns = max(2, min(line.count("\t") + 1, max(_COLUMNS)))
        if self.spaced and (match := _SPACED.fullmatch(line)):
            line = f"{match['label']}\t{match['caption']}"
        label = line.partition("\t")[0]
        caption = _parse(line, self.columns, where)
        if self.known is not None and caption.image not in self.known:
            raise CaptionFileError(
                f"{where}: unknown image {caption.image!r}: not in the folder of images; add it, or delete the line"
            )
        earlier = self.first_seen.setdefault(label, number)
        if earlier != number:
            raise CaptionFileError(f"{where}: {label} is also on line {earlier}; change its number")
        return self._without_source(caption)

    def _without_source(self, caption: Caption) -> Caption:
        """Remove the source of a caption from the name of its image; such captions are numbered in their order."""
        source = _SOURCE.fullmatch(caption.image)
        if source is None:
            return caption
        image = source["image"]
        self.numbers[image] += 1
        return Caption(image, self.numbers[image] - 1, caption.text, caption.keywords)


def token_line(caption: Caption) -> str:
    """Return the line of a caption with its keywords."""
    return f"{caption.image}#{caption.index}\t{caption.text}\t{', '.join(caption.keywords)}\n"


def _parse(line: str, columns: int, where: str) -> Caption:
    label, *rest = line.split("\t")
    if not rest:
        raise CaptionFileError(f"{where}: expected {_COLUMNS[columns]}, found no tab in {truncate(line)}")
    image, sharp, index = label.rpartition("#")
    if not sharp or not image:
        raise CaptionFileError(f"{where}: expected NAME#I before the tab, found no '#' in {truncate(label)}")
    if not (index.isascii() and index.isdigit()):
        raise CaptionFileError(f"{where}: expected a number after '#', found {truncate(index)}")
    if len(rest) + 1 != columns:
        raise CaptionFileError(
            f"{where}: expected {columns} columns, {_COLUMNS[columns]}, found {len(rest) + 1}; "
            "write the same number in all lines, and replace a tab inside a caption by a space"
        )
    if not rest[0].strip():
        raise CaptionFileError(f"{where}: expected a caption for {label!r}, found none; write one, or delete the line")
    return Caption(image, int(index), rest[0].strip(), _keywords(rest[1]) if columns == 3 else ())


def _keywords(column: str) -> tuple[str, ...]:
    return tuple(keyword.strip() for keyword in column.split(",") if keyword.strip())
