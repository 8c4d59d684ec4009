"""The rate of a log is limited."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from photoseek.service.log_rate import LogRate

PER_SECOND = 5


class Messages(logging.Handler):
    """A handler that stores messages."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def messages() -> Iterator[Messages]:
    """A handler of the logger ``flood`` with a bounded rate."""
    handler, logger = Messages(), logging.getLogger("flood")
    handler.addFilter(LogRate(PER_SECOND))
    logger.addHandler(handler)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_burst_of_records_is_cut_and_counted(messages: Messages) -> None:
    logger, count = logging.getLogger("flood"), 1_000
    for number in range(count):
        logger.warning("refused %d", number)
    logger.error("something else")
    assert messages.lines == [*(f"refused {number}" for number in range(PER_SECOND)), "something else"]
    deadline = time.monotonic() + 30
    while len(messages.lines) == PER_SECOND + 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert messages.lines[-1] == f"{count - PER_SECOND} more messages of this kind were suppressed: refused %d"
    logger.warning("refused %d", count)  # of another line of code: another kind
    assert messages.lines[-1] == f"refused {count}"


def test_a_slow_stream_of_records_is_not_cut() -> None:
    now = [1_000.0]
    rate = LogRate(PER_SECOND, clock=lambda: now[0])
    record = logging.makeLogRecord({"msg": "line"})
    for _ in range(100):
        now[0] += 1 / PER_SECOND
        assert rate.filter(record)
