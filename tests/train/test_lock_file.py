"""A file that is locked, busy, or on a file system without locks."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from pathlib import Path

import pytest

from photoseek_train.lock_file import locked


def test_the_lock_is_released_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with locked(path, wait=False), pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    with locked(path, wait=False):
        pass


def test_the_lock_is_released_although_a_child_has_the_file_open(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", wait=False):
        if (child := os.fork()) == 0:
            signal.pause()
            os._exit(0)
    try:
        with locked(tmp_path / "lock", wait=False):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path / "lock", wait=True):
        assert "cannot be locked (No locks available)" in caplog.text
