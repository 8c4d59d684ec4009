"""Lines ``NAME#I<TAB>caption``, all or none of them with a third column ``keyword, keyword, ...``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photoseek.captions.caption_file import Caption
from photoseek.captions.text_file import numbered_lines, truncate
from photoseek.errors import CaptionFileError

_COLUMNS = {2: "NAME#I<TAB>caption", 3: "NAME#I<TAB>caption<TAB>keyword, keyword, ..."}


def read_token_lines(path: Path, text: str, known: frozenset[str] | None) -> Iterator[Caption]:
    """Yield the captions; the first line determines the number of columns.

    Raises:
        CaptionFileError: A line has no tab, another number of columns, no ``#``, no number after it, no caption, an
            unknown image, or the ``NAME#I`` of an earlier line.
    """
    first_seen: dict[tuple[str, int], int] = {}
    columns = 0
    for number, line in numbered_lines(text):
        where = f"{path}:{number}"
        columns = columns or min(line.count("\t") + 1, max(_COLUMNS))
        caption = _parse(line, max(columns, 2), where)
        if known is not None and caption.image not in known:
            raise CaptionFileError(
                f"{where}: unknown image {caption.image!r}: not in the folder of images; add it, or delete the line"
            )
        earlier = first_seen.setdefault((caption.image, caption.index), number)
        if earlier != number:
            raise CaptionFileError(
                f"{where}: {caption.image}#{caption.index} is also on line {earlier}; change its number"
            )
        yield caption


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
