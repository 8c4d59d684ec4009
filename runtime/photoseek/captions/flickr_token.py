"""Lines ``NAME#I<TAB>caption``, all of them with a third column ``keyword, keyword, ...``, or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photoseek.captions.caption_file import Caption
from photoseek.captions.text_file import numbered_lines, truncate
from photoseek.errors import CaptionFileError

_COLUMNS = {2: "NAME#I<TAB>caption", 3: "NAME#I<TAB>caption<TAB>keyword, keyword, ..."}


def read_token_lines(path: Path, text: str, known: frozenset[str] | None) -> Iterator[Caption]:
    """The captions of such a file; its first line says how many columns there are.

    Raises:
        CaptionFileError: A line has no tab, another number of columns, no ``#``, no number after it, no caption, an
            image that is not known, or repeats an earlier ``NAME#I``.
    """
    first_seen: dict[tuple[str, int], int] = {}
    columns = 0
    for number, line in numbered_lines(text):
        where = f"{path}:{number}"
        columns = columns or min(line.count("\t") + 1, max(_COLUMNS))
        caption = _parse(line, max(columns, 2), where)
        if known is not None and caption.image not in known:
            raise CaptionFileError(f"{where}: unknown image {caption.image!r}: no such file among the images")
        earlier = first_seen.setdefault((caption.image, caption.index), number)
        if earlier != number:
            raise CaptionFileError(
                f"{where}: {caption.image}#{caption.index} stands on line {earlier} already; number it anew"
            )
        yield caption


def token_line(caption: Caption) -> str:
    """The line of a caption with its keywords."""
    return f"{caption.image}#{caption.index}\t{caption.text}\t{', '.join(caption.keywords)}\n"


def _parse(line: str, columns: int, where: str) -> Caption:
    label, *rest = line.split("\t")
    if not rest:
        raise CaptionFileError(f"{where}: no tab: expected {_COLUMNS[columns]}, found {truncate(line)}")
    image, sharp, index = label.rpartition("#")
    if not sharp or not image:
        raise CaptionFileError(f"{where}: no '#': expected NAME#I before the tab, found {truncate(label)}")
    if not (index.isascii() and index.isdigit()):
        raise CaptionFileError(f"{where}: expected a number after '#', found {truncate(index)}")
    if len(rest) + 1 != columns:
        raise CaptionFileError(
            f"{where}: expected {columns} columns, {_COLUMNS[columns]}, found {len(rest) + 1}; "
            "write all lines alike, and a tab inside a caption as a space"
        )
    if not rest[0].strip():
        raise CaptionFileError(f"{where}: empty caption for {label!r}; write one, or delete the line")
    return Caption(image, int(index), rest[0].strip(), _keywords(rest[1]) if columns == 3 else ())


def _keywords(column: str) -> tuple[str, ...]:
    return tuple(keyword.strip() for keyword in column.split(",") if keyword.strip())
