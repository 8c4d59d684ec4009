"""How long work tells how far it is: the library calls, the command line draws."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the name of the work, how much is done, and how much there is."""

    def __call__(self, task: str, done: int, total: int) -> None:
        """Take note; must be quick."""


def silent(task: str, done: int, total: int) -> None:
    """Take no note."""
