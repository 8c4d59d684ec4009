"""Caption files of any format, detected from their content."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.csv_file import is_header, read_csv
from photoseek.captions.flickr_token import read_token_lines
from photoseek.captions.json_file import read_json
from photoseek.captions.text_file import numbered_lines, read_text
from photoseek.errors import CaptionFileError
from photoseek.system.user_paths import expanded

_LABEL = re.compile(r".*#\d+\s")


def read_captions(path: str | Path, images: Collection[str] | None = None) -> list[Caption]:
    """Read a caption file of any format, in its order.

    Args:
        path: The file.
        images: The names of the existing images; a caption of any other image is an error. None: not checked.

    Raises:
        CaptionFileError: As ``read_caption_file``, or an unknown image.
    """
    return list(read_caption_file(path, images).captions)


def read_caption_file(path: str | Path, images: Collection[str] | None = None) -> CaptionFile:
    """Read a caption file of any format, with its splits.

    Raises:
        CaptionFileError: The file is missing, empty, truncated, not UTF-8, or invalid; the message starts with the file
            and the line, or the location in the JSON.
    """
    path = expanded(path)
    known = None if images is None else frozenset(images)
    text = read_text(path)
    first = next((line for _, line in numbered_lines(text)), None)
    if first is None:
        raise CaptionFileError(f"{path}: expected captions, lines NAME#I<TAB>caption for example, found none")
    if first.lstrip()[0] in "{[":
        file = read_json(path, text)
        _check_known_images(file, known)
        return file
    if _is_csv(first):
        return CaptionFile(path, tuple(read_csv(path, text, known)))
    return CaptionFile(path, tuple(read_token_lines(path, text, known)))


def read_caption_files(paths: str | Path | Sequence[str | Path]) -> CaptionFile:
    """Read one or several caption files, such as one for each language, as one; errors as ``read_caption_file``.

    Every file may number its captions from ``NAME#0``. The splits are those of the first file that has any.
    """
    files = [read_caption_file(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    captions = tuple(caption for file in files for caption in file.captions)
    return CaptionFile(files[0].path, captions, next((file.splits for file in files if file.splits), {}))


def _is_csv(first: str) -> bool:
    """Return whether a file starts as CSV, or with a comma in an unknown format, whose header is then an error."""
    return is_header(first) or ("\t" not in first and "," in first and _LABEL.match(first) is None)


def _check_known_images(file: CaptionFile, known: frozenset[str] | None) -> None:
    unknown = next((each.image for each in file.captions if known is not None and each.image not in known), None)
    if unknown is not None:
        raise CaptionFileError(f"{file.path}: unknown image {unknown!r}: not in the folder of images; add it")
