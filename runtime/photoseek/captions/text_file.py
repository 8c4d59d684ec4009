"""From a file's bytes to its text; what is no text of captions at all is refused here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photoseek.errors import CaptionFileError

_LFS_POINTER = "version https://git-lfs.github.com/spec/"
_PAGE = ("<!doctype html", "<html")
_BREAKS = str.maketrans("\t\r\n", "   ")


def read_text(path: Path, otherwise: str = "") -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Args:
        path: The file.
        otherwise: What to do if it cannot be read, for the error.

    Raises:
        CaptionFileError: It cannot be read, is not UTF-8, or is a stand-in for the file that was meant.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        cure = f"; {otherwise}" if otherwise else ""
        raise CaptionFileError(f"{path}: cannot be read: {error.strerror or error}{cure}") from error
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
    _reject_lfs_pointer(path, text)
    return text


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip("\r")


def single_line(text: str) -> str:
    """A caption without line breaks and tabs, which become spaces, and without space around it."""
    return text.translate(_BREAKS).strip()


def truncate(value: object) -> str:
    """A value as an error shows it."""
    shown = repr(value)
    return shown if len(shown) <= 62 else f"{shown[:58]}...{shown[0]}"


def _reject_lfs_pointer(path: Path, text: str) -> None:
    start = text[:100].lstrip().lower()
    if start.startswith(_LFS_POINTER):
        raise CaptionFileError(f"{path}:1: expected captions or names, found a Git LFS pointer; fetch it: git lfs pull")
    if start.startswith(_PAGE):
        raise CaptionFileError(
            f"{path}:1: expected captions or names, found a web page (HTML); download the file itself, not its page"
        )
