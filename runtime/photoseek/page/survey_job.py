"""A survey of a folder in the background: how many photos it has, and how long indexing them takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import PhotoseekError
from photoseek.gallery.survey import FolderSurvey, measure_speed, survey_folder
from photoseek.sources.local import LocalSource
from photoseek.system.background_job import BackgroundJob
from photoseek.system.user_paths import printable

_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """Raised between two photos."""


@dataclass
class SurveyJob(BackgroundJob):
    """The survey of a folder.

    Attributes:
        folder: The folder.
        bundle: Bundle that would index it.
        count: Photos so far.
        survey: What was found, or None before the scan is complete.
        speed: Photos per second, or None if it is not or cannot be measured.
        error: Why the folder cannot be scanned, or None.
    """

    thread_name = "photoseek-survey"

    folder: Path
    bundle: str
    count: int = 0
    survey: FolderSurvey | None = None
    speed: float | None = None
    error: str | None = None

    @property
    def seconds(self) -> float | None:
        """Estimated seconds that indexing takes, or None."""
        return None if self.survey is None or not self.speed else self.survey.photos / self.speed

    def _run(self) -> None:
        """Do the work; all errors are stored in ``error``."""
        try:
            source = LocalSource(self.folder)
            self.survey = survey_folder(source, on_count=self._count)
            if not self.stopping:
                self.speed = measure_speed(source, self.survey.sample, Bundle.load(self.bundle))
        except _Stopped:
            pass
        except PhotoseekError as error:  # without the bundle, indexing reports it
            self.error = str(error) if self.survey is None else None
        except Exception as error:
            _log.exception("cannot survey %s", printable(self.folder))
            self.error = str(error) or type(error).__name__

    def _count(self, count: int) -> None:
        self.count = count
        if self.stopping:
            raise _Stopped
