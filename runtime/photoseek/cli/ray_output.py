"""Suppress the terminal output of Ray while its workers encode photos. Failures are raised as exceptions."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

_log = logging.getLogger(__name__)
_STDERR = 2


@contextmanager
def silence_ray() -> Iterator[None]:
    """Log the Python output of Ray and discard the standard error of its native code.

    Other output of this process on standard error, such as a progress bar, stays visible.
    """
    with redirect_stdout(_LogWriter()):
        if sys.stderr is None or sys.stderr is not sys.__stderr__:  # redirected, so native code does not write to it
            yield
        else:
            with _native_silence():
                yield


@contextmanager
def _native_silence() -> Iterator[None]:
    sys.stderr.flush()
    saved = os.dup(_STDERR)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, _STDERR)
    os.close(nothing)
    try:
        with open(saved, "w", buffering=1, closefd=False) as screen, redirect_stderr(screen):
            yield
    finally:
        os.dup2(saved, _STDERR)
        os.close(saved)


class _LogWriter(io.TextIOBase):
    """A stream that writes to the log; Ray reports lost machines on standard output."""

    def write(self, text: str) -> int:
        """Log the text unless it is blank."""
        if text.strip():
            _log.info("%s", text.strip())
        return len(text)
