"""Caption files of any format, detected from their content."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from photoseek.captions.caption_file import Caption, CaptionFile
from photoseek.captions.columns import CaptionColumns
from photoseek.captions.flickr_token import is_spaced, read_token_lines
from photoseek.captions.json_file import read_json
from photoseek.captions.table import Header, read_table, unknown_header
from photoseek.captions.text_file import numbered_lines, read_text
from photoseek.captions.text_folder import metadata_file, read_text_folder
from photoseek.errors import CaptionFileError
from photoseek.system.user_paths import expanded

_log = logging.getLogger(__name__)

USUAL = CaptionColumns()
"""The usual names of columns."""

_URL = re.compile("https?://")
_START = 1_000  # characters in which a URL is searched for
_DOWNLOAD = (
    "if the photos are given by their URLs, as in CC3M and SBU, download them first, for example with img2dataset, and "
    "run photoseek-train unpack on its output"
)


def read_captions(path: str | Path, images: Collection[str] | None = None) -> list[Caption]:
    """Read a caption file of any format, in its order.

    Args:
        path: The file, or a folder with captions beside its images.
        images: The names of the existing images; a caption of any other image is broken. None: not checked.

    Raises:
        CaptionFileError: As ``read_caption_file``, or an unknown image.
    """
    return list(read_caption_file(path, images).captions)


def read_caption_file(
    path: str | Path, images: Collection[str] | None = None, columns: CaptionColumns = USUAL
) -> CaptionFile:
    """Read a caption file of any format, with its splits. A few broken rows of a large file are left out.

    Args:
        path: As for ``read_captions``.
        images: As for ``read_captions``.
        columns: Names of columns and keys, if the file has unusual ones.

    Raises:
        CaptionFileError: The file is missing, empty, truncated, not UTF-8, or invalid; the message starts with the file
            and the line, or the location in the JSON.
    """
    path = expanded(path)
    if path.is_dir():
        metadata = metadata_file(path)
        return read_text_folder(path) if metadata is None else read_caption_file(metadata, images, columns)
    text = read_text(path)
    try:
        file = _read(path, text, None if images is None else frozenset(images), columns)
    except CaptionFileError as error:
        if _URL.search(text, 0, _START):
            raise CaptionFileError(f"{error}; {_DOWNLOAD}") from error
        raise
    if file.broken:
        _log.warning("%s: left out %d rows that cannot be read; the first: %s", path, len(file.broken), file.broken[0])
    return file


def read_caption_files(paths: str | Path | Sequence[str | Path], columns: CaptionColumns = USUAL) -> CaptionFile:
    """Read one or several caption files, such as one for each language, as one; errors as ``read_caption_file``.

    Every file may number its captions from ``NAME#0``. The splits are those of the first file that has any.
    """
    paths = [paths] if isinstance(paths, str | Path) else paths
    files = [read_caption_file(path, columns=columns) for path in paths]
    captions = tuple(caption for file in files for caption in file.captions)
    return CaptionFile(files[0].path, captions, next((file.splits for file in files if file.splits), {}))


def _read(path: Path, text: str, known: frozenset[str] | None, columns: CaptionColumns) -> CaptionFile:
    number, first = next(numbered_lines(text), (0, ""))
    if not first:
        raise CaptionFileError(f"{path}: expected captions, lines NAME#I<TAB>caption for example, found none")
    if first.lstrip()[0] in "{[":
        file = read_json(path, text, columns)
        _check_known_images(file, known)
        return file
    header = Header.find(first, columns)
    if header is not None:
        return read_table(path, text, header, known)
    if "\t" not in first and not is_spaced(first) and any(separator in first for separator in ",;|"):
        raise unknown_header(path, number, first)
    return read_token_lines(path, text, known)


def _check_known_images(file: CaptionFile, known: frozenset[str] | None) -> None:
    unknown = next((each.image for each in file.captions if known is not None and each.image not in known), None)
    if unknown is not None:
        raise CaptionFileError(f"{file.path}: unknown image {unknown!r}: not in the folder of images; add it")
