"""A screen without the words of Ray, while a crew works: what fails is raised, and told once."""

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
    """Have the log take what Ray prints, and nobody what its native half writes to standard error.

    Whatever else this process prints on standard error is seen, such as a progress bar.
    """
    with redirect_stdout(_LogWriter()):
        if sys.stderr is None or sys.stderr is not sys.__stderr__:  # captured: there is no screen
            yield
        else:
            with _native_silence():
                yield


@contextmanager
def _native_silence() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, _STDERR)
    os.close(nothing)
    try:
        with open(kept, "w", buffering=1, closefd=False) as screen, redirect_stderr(screen):
            yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


class _LogWriter(io.TextIOBase):
    """A stream whose lines go to the log: Ray tells on standard output of machines that are lost."""

    def write(self, text: str) -> int:
        """Log what is not empty."""
        if text.strip():
            _log.info("%s", text.strip())
        return len(text)
