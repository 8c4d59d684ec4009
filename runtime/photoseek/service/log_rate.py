"""A limit on how fast a server's log grows, whatever its clients send."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_SECONDS = 1.0  # a window
_REPORT = "photoseek_report"  # the attribute of a record that counts others
_Kind = tuple[str, str, int]  # logger, file, line


@dataclass
class _Window:
    """Counts of the records of one kind since a point in time."""

    since: float
    passed: int = 0
    suppressed: int = 0

    @property
    def lasts(self) -> float:
        """Seconds after which a new window begins; a window with suppressed records waits for its report."""
        return 2 * _SECONDS if self.suppressed else _SECONDS


class LogRate(logging.Filter):
    """Pass a number of records of each kind per second, and report how many were suppressed.

    Records are of one kind if the same line of code logs them, so the number of kinds is bounded as well. The report
    is a separate record of the same logger, one second after the first suppressed record.
    """

    def __init__(self, per_second: int = 10, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_second = per_second
        self._clock = clock
        self._windows: dict[_Kind, _Window] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the record."""
        if getattr(record, _REPORT, False):
            return True
        kind = (record.name, record.pathname, record.lineno)
        with self._lock:
            window = self._windows.get(kind)
            if window is None or self._clock() - window.since >= window.lasts:
                window = self._windows[kind] = _Window(self._clock())
            if window.passed < self._per_second:
                window.passed += 1
                return True
            window.suppressed += 1
            if window.suppressed == 1:
                self._report_later(kind, record)
        return False

    def _report_later(self, kind: _Kind, record: logging.LogRecord) -> None:
        timer = threading.Timer(_SECONDS, self._report, (kind, record.levelno, str(record.msg)))
        timer.daemon = True
        with suppress(RuntimeError):  # no thread can be started, or the process is ending
            timer.start()

    def _report(self, kind: _Kind, level: int, message: str) -> None:
        with self._lock:
            suppressed = self._windows.pop(kind, _Window(0.0)).suppressed
        text = "%d more messages of this kind were suppressed: %s"
        logging.getLogger(kind[0]).log(level, text, suppressed, message.strip(), extra={_REPORT: True})


def limit_log_rate(per_second: int = 10) -> None:
    """Limit the rate of all records of this process: of uvicorn, the root logger, and loggers without handlers."""
    rate = LogRate(per_second)
    handlers = [*logging.getLogger("uvicorn").handlers, *logging.getLogger().handlers]
    if logging.lastResort is not None:
        handlers.append(logging.lastResort)
    for handler in handlers:
        handler.addFilter(rate)
