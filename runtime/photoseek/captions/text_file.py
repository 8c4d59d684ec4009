"""The text of a caption or split file, or an error if it is another kind of file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photoseek.errors import CaptionFileError

_LFS_POINTER = "version https://git-lfs.github.com/spec/"
_HTML = ("<!doctype html", "<html")
PACKED = (".tar", ".tar.gz", ".tgz", ".parquet", ".arrow")
"""Suffixes of files that contain photos and captions."""

UNPACK = "unpack it with: photoseek-train unpack {} images"
"""What to do about packed files; the argument is the file or the folder."""

_BREAKS = str.maketrans("\t\r\n", "   ")


def read_text(path: Path, remedy: str = "") -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Args:
        path: The file.
        remedy: What the error message says to do if it cannot be read.

    Raises:
        CaptionFileError: It cannot be read, is not UTF-8, or is a packed data set, a Git LFS pointer or a web page.
    """
    if path.name.endswith(PACKED):
        raise CaptionFileError(
            f"{path}: expected a text file of captions, found a packed data set; {UNPACK.format(path)}"
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        hint = f"; {remedy}" if remedy else ""
        raise CaptionFileError(f"{path}: cannot be read: {error.strerror or error}{hint}") from error
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise CaptionFileError(
            f"{path}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x} at column {column}); "
            "convert it, for example with: iconv -f LATIN1 -t UTF-8"
        ) from error
    _reject_placeholder(path, text)
    return text


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not blank."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip("\r")


def single_line(text: str) -> str:
    """Return a caption with line breaks and tabs as spaces, stripped."""
    return text.translate(_BREAKS).strip()


def truncate(value: object) -> str:
    """Return a value for an error message."""
    text = repr(value)
    return text if len(text) <= 62 else f"{text[:58]}...{text[0]}"


def _reject_placeholder(path: Path, text: str) -> None:
    start = text[:100].lstrip().lower()
    if start.startswith(_LFS_POINTER):
        raise CaptionFileError(
            f"{path}:1: expected captions or names, found a Git LFS pointer; fetch the file: git lfs pull"
        )
    if start.startswith(_HTML):
        raise CaptionFileError(
            f"{path}:1: expected captions or names, found a web page (HTML); download the file itself, not its page"
        )
