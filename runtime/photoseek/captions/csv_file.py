"""CSV with the header ``image,caption``: Flickr8k's ``captions.txt``."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from photoseek.captions.caption_file import Caption
from photoseek.captions.text_file import single_line, truncate
from photoseek.errors import CaptionFileError

_HEADER = ["image", "caption"]


def is_header(line: str) -> bool:
    """Return whether a line is the header of such a file."""
    return _cells(line.removesuffix("\r")) == _HEADER


def read_csv(path: Path, text: str, known: frozenset[str] | None) -> Iterator[Caption]:
    """Yield the captions; those of an image are numbered in their order.

    Raises:
        CaptionFileError: Another header, a row without two columns, an empty name or caption, an unknown image, an
            unterminated quotation, or no rows.
    """
    numbers: Counter[str] = Counter()
    for line, row in _rows(path, text):
        where = f"{path}:{line}"
        if len(row) != len(_HEADER):
            raise CaptionFileError(
                f"{where}: expected 2 columns, image,caption, found {len(row)}; "
                'put a caption with a comma between quotation marks: "..."'
            )
        image, caption = row[0].strip(), single_line(row[1])
        if not image:
            raise CaptionFileError(f"{where}: expected the name of an image in the first column, found none; add it")
        if not caption:
            raise CaptionFileError(
                f"{where}: expected a caption for {image!r}, found none; write one, or delete the line"
            )
        if known is not None and image not in known:
            raise CaptionFileError(
                f"{where}: unknown image {image!r}: not in the folder of images; add it, or delete the line"
            )
        yield Caption(image, numbers[image], caption)
        numbers[image] += 1
    if not numbers:
        raise CaptionFileError(f"{path}: expected rows image,caption after the header, found none")


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows after the header that are not blank, each with the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = False
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if header:
                yield reader.line_num, row
            elif [cell.strip().lower() for cell in row] != _HEADER:
                raise CaptionFileError(
                    f"{path}:{reader.line_num}: expected the header image,caption or lines NAME#I<TAB>caption, "
                    f"found {truncate(','.join(row))}; rename the columns, or pass another caption file"
                )
            header = True
    except csv.Error as error:
        raise CaptionFileError(
            f"{path}:{reader.line_num}: expected CSV, found {error}; close the quotation, and double the "
            'quotation marks inside a caption: ""'
        ) from error


def _cells(line: str) -> list[str]:
    try:
        return [cell.strip().lower() for cell in next(csv.reader([line]), [])]
    except csv.Error:
        return []
