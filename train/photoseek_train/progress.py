"""Progress reporting: the library calls a callback, the command line displays it."""

from __future__ import annotations

from typing import Protocol


class ProgressCallback(Protocol):
    """A callback that receives the name of a task, the number of completed items, and the total."""

    def __call__(self, task: str, done: int, total: int) -> None:
        """Report progress; must return quickly."""


def no_progress(task: str, done: int, total: int) -> None:
    """Ignore progress."""
