"""Safe terminal output: characters that could move the cursor, or reorder or hide other text, are escaped.

Names of files and bundles, captions, arguments and messages of libraries are untrusted. A terminal interprets their
control characters, and displays bidirectional text in another order than it is stored.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TextIO

_UNSAFE = re.compile(
    "["
    "\\0-\\x1f\\x7f-\\x9f"  # C0, DEL, C1
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"  # bidirectional controls
    "\\u2028\\u2029"  # line and paragraph separators
    "\\xad\\u180e\\u200b\\u2060-\\u2065\\u206a-\\u206f\\ufeff\\ufff9-\\ufffb"  # invisible formatting
    "\\u115f\\u1160\\u3164\\uffa0"  # Hangul fillers, which are invisible
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"  # invisible formatting of shorthand and music
    "\\U000e0000-\\U000e00ff\\U000e01f0-\\U000e0fff"  # tags, and what is unassigned around them
    "\\ud800-\\udfff"  # lone surrogates: bytes of a file name that are not UTF-8
    "]"
)
"""Not escaped, because text needs them: ZWNJ and ZWJ (Persian, emoji), variation selectors, Arabic number signs, and
joiners of hieroglyphs."""

_BREAK = re.compile(r"\s*[\r\n]+\s*")


def visible(text: str) -> str:
    r"""Return text on one line, with every unsafe character as its escape: ``\n``, ``\x1b``, ``\u202e``."""
    return _UNSAFE.sub(_escape, text)


def one_line(message: str) -> str:
    """Return a message on one line: line breaks become spaces, and other unsafe characters escapes."""
    return visible(_BREAK.sub(" ", message.strip()))


def encodable(text: str, stream: TextIO) -> str:
    """Return text with escapes for characters that the encoding of a stream lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def print_line(text: str, *, error: bool = False) -> None:
    """Print one line on standard output, or on standard error."""
    stream = sys.stderr if error else sys.stdout
    print(encodable(visible(text), stream), file=stream, flush=True)


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    r"""Return JSON in which every unsafe character is a ``\uXXXX`` escape, from which a parser gets the same value."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    return _UNSAFE.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def install() -> None:
    """Escape unsafe characters in all logs, warnings and tracebacks of this process."""
    logging.setLogRecordFactory(_Record)
    warnings.showwarning = _show_warning
    sys.excepthook = _show_exception
    threading.excepthook = _show_thread_exception
    sys.unraisablehook = _show_unraisable


def traceback_lines(error: BaseException) -> Iterator[str]:
    """Yield the lines of a traceback, escaped; continuation lines of a message are indented."""
    for part in traceback.format_exception(error):
        first, *rest = part.rstrip("\n").split("\n")
        yield visible(first)
        for line in rest:
            yield visible(line if line.startswith(" ") else f"  {line}")


class _Record(logging.LogRecord):
    """A log record whose message and traceback are safe to print, in every handler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[1] is not None:
            self.exc_text = "\n".join(traceback_lines(self.exc_info[1]))
        if self.stack_info:
            self.stack_info = "\n".join(map(visible, self.stack_info.split("\n")))

    def getMessage(self) -> str:  # noqa: N802
        return visible(super().getMessage())


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _print(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(encodable(text, sys.stderr) + "\n")


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del file, line
    _print(visible(f"{filename}:{lineno}: {category.__name__}: {message}"))


def _show_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    del kind, trace
    for line in traceback_lines(error):
        _print(line)


def _show_thread_exception(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        _print(visible(f"Exception in thread {found.thread.name if found.thread else '?'}:"))
        _show_exception(found.exc_type, found.exc_value, found.exc_traceback)


def _show_unraisable(found: sys.UnraisableHookArgs) -> None:
    _print(visible(f"{found.err_msg or 'Exception ignored in'}: {found.object!r}"))
    if found.exc_value is not None:
        _show_exception(found.exc_type, found.exc_value, found.exc_traceback)
