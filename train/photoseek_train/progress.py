"""Progress reporting: the library calls a callback, the command line displays it."""

from __future__ import annotations

import math
from typing import Protocol


class ProgressCallback(Protocol):
    """A callback that receives the name of a task, the number of completed items, and the total."""

    def __call__(self, task: str, done: int, total: int) -> None:
        """Report progress; must return quickly."""


def no_progress(task: str, done: int, total: int) -> None:
    """Ignore progress."""


def format_duration(seconds: float) -> str:
    """Return a duration for readers: ``4.2 s``, ``75 s``, ``12 min``, ``3 h 05 min``."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
