"""One way to read a caption file of any format."""

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
        images: The names of the images there are; a caption of any other image is an error. None: not checked.

    Raises:
        CaptionFileError: As ``read_caption_file``, or an image that is not known.
    """
    return list(read_caption_file(path, images).captions)


def read_caption_file(path: str | Path, images: Collection[str] | None = None) -> CaptionFile:
    """Read a caption file of any format, with the splits that it carries.

    Raises:
        CaptionFileError: The file is missing, empty, cut off or not UTF-8, or not what its format asks for; the
            message begins with the file and the line, or the place in the JSON.
    """
    path = expanded(path)
    known = None if images is None else frozenset(images)
    text = read_text(path)
    first = next((line for _, line in numbered_lines(text)), None)
    if first is None:
        raise CaptionFileError(f"{path}: expected captions, lines NAME#I<TAB>caption for example, found none")
    if first.lstrip()[0] in "{[":
        file = read_json(path, text)
        _check_known_label(file, known)
        return file
    if _is_csv(first):
        return CaptionFile(path, tuple(read_csv(path, text, known)))
    return CaptionFile(path, tuple(read_token_lines(path, text, known)))


def read_caption_files(paths: str | Path | Sequence[str | Path]) -> CaptionFile:
    """Read one caption file or several, say one for each language, as one; raises as ``read_caption_file``.

    Two files may both number their captions from ``NAME#0``. The splits are those of the first file that has any.
    """
    files = [read_caption_file(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    captions = tuple(caption for file in files for caption in file.captions)
    return CaptionFile(files[0].path, captions, next((file.splits for file in files if file.splits), {}))


def _is_csv(first: str) -> bool:
    """Whether a file begins as CSV, or as nothing else and with a comma: then its header will be refused."""
    if is_header(first):
        return True
    return "\t" not in first and "," in first and _LABEL.match(first) is None


def _check_known_label(file: CaptionFile, known: frozenset[str] | None) -> None:
    for caption in file.captions if known is not None else ():
        if caption.image not in (known or ()):
            raise CaptionFileError(f"{file.path}: unknown image {caption.image!r}: no such file among the images")
