"""Patterns with the rules of gitignore: https://git-scm.com/docs/gitignore."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photoseek.system.filenames import decode_filename

if TYPE_CHECKING:
    from pathspec.pattern import RegexPattern

_MAX_STARS = 4  # of one name: the time that a regular expression takes is exponential in them
_TOKEN = re.compile(r"\\.|\*+")
_CLASS = re.compile(r"\[\[?:\w+:\]")


@dataclass(frozen=True)
class _Pattern:
    """One line: its text, its regular expression, and whether it matches paths instead of names."""

    text: str
    compiled: RegexPattern
    of_path: bool

    def matches(self, path: str, name: str) -> bool:
        """Return whether it matches an entry itself: a match of a folder above says nothing about the entry."""
        subject = path if self.of_path else name
        if self.text.endswith("/**"):  # what is in a folder, not the folder
            subject = subject.removesuffix("/")
        found = self.compiled.match_file(subject)
        return found is not None and (not found.match.re.groups or found.match.end() == len(subject))


class Patterns:
    """Lines of a file, or of an option, for the entries of one folder and the folders below it."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Compile the lines, as ``decode_filename`` returns them; those that are invalid are in ``problems``."""
        self._patterns: list[_Pattern] = []
        self.problems: list[str] = []
        for line in lines:
            try:
                self._patterns += _compiled(line)
            except ValueError as error:
                self.problems.append(f"expected a pattern as in .gitignore, found {line!r:.200}: {error}")
        self._patterns.reverse()  # the last one that matches decides

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def decide(self, path: str, *, is_folder: bool) -> tuple[bool, str] | None:
        """Return whether an entry is left out, and the pattern that says so; None if no pattern matches.

        Args:
            path: As ``normalized`` returns it, relative to the folder of the patterns. No folder above it is left out.
            is_folder: Whether it is a folder.
        """
        path += "/" if is_folder else ""
        name = path[path[:-1].rfind("/") + 1 :]
        for pattern in self._patterns:
            if pattern.matches(path, name):
                return pattern.compiled.include is True, pattern.text
        return None


def normalized(text: str) -> str:
    """Return a path or a pattern in the form in which they are compared: NFC, since disks and keyboards may differ."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def read_lines(data: bytes) -> list[str]:
    """Return the lines of an ignore file, in any encoding that file names have."""
    return decode_filename(data.decode("utf-8-sig", "surrogateescape")).splitlines()


def _compiled(line: str) -> list[_Pattern]:
    """Return the pattern of a line; none if it is empty or a comment.

    Raises:
        ValueError: It is invalid.
    """
    from pathspec import GitIgnoreSpec

    pattern = "/".join(part if part == "**" else _collapsed(part) for part in normalized(line).split("/"))
    text = pattern.rstrip()
    if "\0" in text or "\n" in text:
        raise ValueError("it has characters that names cannot contain")
    if _CLASS.search(text):
        raise ValueError("classes such as [[:digit:]] are not supported; write [0-9]")
    names = text.split("/")
    if max(names.count("**"), *(name.count("*") for name in names)) > _MAX_STARS:
        raise ValueError(f"it has more than {_MAX_STARS} asterisks")
    if text in ("", "/") or text.startswith("#"):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of "[[" in a set, which has the same meaning as in git
            (compiled,) = GitIgnoreSpec.from_lines([pattern], backend="simple").patterns
    except (re.error, ValueError) as error:
        raise ValueError(str(error)) from error
    if compiled.include is None:
        raise ValueError("a bracket is not closed")
    return [_Pattern(text, compiled, "/" in text.removeprefix("!").rstrip("/"))]


def _collapsed(part: str) -> str:
    """Return a name of a pattern with one asterisk for each run of them."""
    return _TOKEN.sub(lambda found: "*" if found[0].startswith("*") else found[0], part)
