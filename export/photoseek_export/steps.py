"""Progress of an export: the library calls a callback, the command line displays it."""

from __future__ import annotations

from collections.abc import Callable

StepCallback = Callable[[str], None]
"""Called with the name of each step when it begins."""


def no_step(name: str) -> None:
    """Ignore steps."""
