"""Work in a background thread, which others watch, stop and wait for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import ClassVar, Self


@dataclass
class BackgroundJob:
    """Base class of jobs, which do their work in ``_run``."""

    thread_name: ClassVar[str]
    """Name of the thread."""

    _stop: threading.Event = field(default_factory=threading.Event, init=False, repr=False, compare=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False, repr=False, compare=False)

    @property
    def running(self) -> bool:
        """Whether the job has not ended."""
        return not self._done.is_set()

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stop.is_set()

    def start(self) -> Self:
        """Run in a daemon thread."""
        threading.Thread(target=self.run, name=self.thread_name, daemon=True).start()
        return self

    def stop(self) -> None:
        """Ask the job to stop as soon as it can."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the job ends, and return whether it did."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Do the work in this thread."""
        try:
            self._run()
        finally:
            self._done.set()

    def _run(self) -> None:
        raise NotImplementedError
