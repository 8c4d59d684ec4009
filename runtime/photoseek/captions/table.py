"""Tables with a header, separated by commas, tabs, semicolons or bars.

Examples are Flickr8k's ``captions.txt``, Flickr30K's ``results.csv`` and the metadata of image folders.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from photoseek.captions.broken_rows import BrokenRows
from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.columns import REMEDY, SPLIT, CaptionColumns
from photoseek.captions.json_records import caption_texts
from photoseek.captions.text_file import numbered_lines, single_line, truncate
from photoseek.errors import CaptionFileError

_SEPARATORS = "\t|;,"
_NUMBERED = re.compile(r"\s*(\d+)\s+(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class Header:
    """The header of a table.

    Attributes:
        separator: What separates the columns.
        names: Names of the columns.
        image: Position of the column with images.
        caption: Position of the column with captions.
    """

    separator: str
    names: tuple[str, ...]
    image: int
    caption: int

    @property
    def split(self) -> int | None:
        """Position of the column with splits, if there is one."""
        return self.names.index(SPLIT) if SPLIT in self.names else None

    @classmethod
    def find(cls, line: str, columns: CaptionColumns) -> Header | None:
        """Return the header in a line, or None if it has no columns for images and captions."""
        for separator in _SEPARATORS:
            names = [name.strip() for name in _cells(line.removesuffix("\r"), separator)]
            if found := columns.find(names):
                image, caption = (names.index(name) for name in found)
                return cls(separator, tuple(name.lower() for name in names), image, caption)
        return None


def read_table(path: Path, content: str, header: Header, known: frozenset[str] | None) -> CaptionFile:
    """Read a table; the captions of an image are numbered in their order.

    Raises:
        CaptionFileError: Too many rows without an image, without a caption, with too few or too many columns, or of an
            unknown image; an unterminated quotation, or no rows.
    """
    rows = _Rows(path, header, known)
    captions: list[Caption] = []
    splits: dict[str, dict[str, None]] = {}
    numbers: Counter[str] = Counter()
    broken = BrokenRows()
    for place in _lines(path, content, header):
        row = broken.read(rows.parse, place)
        if row is None:
            continue
        image, texts, split = row
        for text in texts:
            captions.append(Caption(image, numbers[image], text))
            numbers[image] += 1
        if split:
            splits.setdefault(split, {})[image] = None
    if not broken.rows:
        raise CaptionFileError(f"{path}: expected rows {','.join(header.names)} after the header, found none")
    messages = broken.messages()
    return CaptionFile(path, tuple(captions), {name: tuple(images) for name, images in splits.items()}, messages)


@dataclass(frozen=True)
class _Rows:
    """Parses the rows of a table."""

    path: Path
    header: Header
    known: frozenset[str] | None

    def parse(self, place: tuple[int, list[str]]) -> tuple[str, list[str], str]:
        """Return image, captions and split of a row."""
        line, cells = place
        where, header = f"{self.path}:{line}", self.header
        row = self._repaired(cells)
        if len(row) != len(header.names):
            raise CaptionFileError(
                f"{where}: expected {len(header.names)} columns, {','.join(header.names)}, found {len(cells)}; "
                'put a caption with a comma between quotation marks: "..."'
            )
        image, texts = row[header.image].strip(), _texts(row[header.caption])
        if not image:
            raise CaptionFileError(
                f"{where}: expected the name of an image in the {_ordinal(header.image)} column, found none; add it"
            )
        if not texts:
            raise CaptionFileError(
                f"{where}: expected a caption for {image!r}, found none; write one, or delete the line"
            )
        if self.known is not None and image not in self.known:
            raise CaptionFileError(
                f"{where}: unknown image {image!r}: not in the folder of images; add it, or delete the line"
            )
        return image, texts, "" if header.split is None else row[header.split].strip()

    def _repaired(self, cells: list[str]) -> list[str]:
        """Return the cells of a row; separators in a caption at its end, and a bar after a number, may be missing.

        A row of the published ``results.csv`` of Flickr30K has ``NAME| 4   caption`` in place of ``NAME| 4| caption``.
        """
        header, last = self.header, len(self.header.names) - 1
        if len(cells) > last + 1 and header.caption == last:
            return [*cells[:last], header.separator.join(cells[last:])]
        if header.separator == "|" and len(cells) == last and header.caption == last:
            found = _NUMBERED.fullmatch(cells[-1])
            return cells if found is None else [*cells[:-1], *found.groups()]
        return cells


def _texts(cell: str) -> list[str]:
    """Return the caption in a cell, or all of a JSON list, as in the ``flickr_annotations_30k.csv`` of the hub."""
    if cell.strip().startswith('["'):
        with suppress(ValueError, RecursionError):
            return caption_texts(json.loads(cell))
    return [caption for caption in [single_line(cell)] if caption]


def _lines(path: Path, text: str, header: Header) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows after the header that are not blank, each with the line on which it ends."""
    if header.separator == "|":  # without quotations
        yield from ((number, line.split("|")) for number, line in islice(numbered_lines(text), 1, None))
    else:
        yield from islice(_csv_rows(path, text, header.separator), 1, None)


def _csv_rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise CaptionFileError(
            f"{path}:{reader.line_num}: expected CSV, found {error}; close the quotation, and double the "
            'quotation marks inside a caption: ""'
        ) from error


def unknown_header(path: Path, line: int, first: str) -> CaptionFileError:
    """Return the error for a table without columns of images and captions."""
    return CaptionFileError(
        f"{path}:{line}: expected the header image,caption or lines NAME#I<TAB>caption, found "
        f"{truncate(first.strip())}; {REMEDY}"
    )


def _ordinal(position: int) -> str:
    return ("first", "second", "third")[position] if position < 3 else f"{position + 1}th"


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
