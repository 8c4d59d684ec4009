"""A survey of a folder in the background: how many photos it has, and how long indexing them takes."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import PhotoseekError
from photoseek.gallery.survey import FolderSurvey, measure_speed, survey_folder
from photoseek.sources.local import LocalSource
from photoseek.system.user_paths import printable

_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """Raised between two photos."""


@dataclass
class SurveyJob:
    """The survey of a folder.

    Attributes:
        folder: The folder.
        bundle: Bundle that would index it.
        count: Photos so far.
        survey: What was found, or None before the scan is complete.
        speed: Photos per second, or None if it is not or cannot be measured.
        error: Why the folder cannot be scanned, or None.
    """

    folder: Path
    bundle: str
    count: int = 0
    survey: FolderSurvey | None = None
    speed: float | None = None
    error: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether something may still change."""
        return not self._done.is_set()

    @property
    def seconds(self) -> float | None:
        """Estimated seconds that indexing takes, or None."""
        return None if self.survey is None or not self.speed else self.survey.photos / self.speed

    def start(self) -> SurveyJob:
        """Run in the background."""
        threading.Thread(target=self.run, name="photoseek-survey", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop as soon as possible, because the result is no longer of interest."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the job ends, and return whether it did."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Do the work; all errors are stored in ``error``."""
        try:
            source = LocalSource(self.folder)
            self.survey = survey_folder(source, on_count=self._count)
            if not self._stop.is_set():
                self.speed = measure_speed(source, self.survey.sample, Bundle.load(self.bundle))
        except _Stopped:
            pass
        except PhotoseekError as error:  # without the bundle, indexing reports it
            self.error = str(error) if self.survey is None else None
        except Exception as error:
            _log.exception("cannot survey %s", printable(self.folder))
            self.error = str(error) or type(error).__name__
        finally:
            self._done.set()

    def _count(self, count: int) -> None:
        self.count = count
        if self._stop.is_set():
            raise _Stopped
