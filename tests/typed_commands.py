"""Commands as a user types them, in this process or in a new one."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import photoseek
from photoseek.cli.app import main

_OFF_BY_DEFAULT = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def environment(**variables: str) -> dict[str, str]:
    """Return environment variables with which a process imports this copy of photoseek."""
    source = str(Path(photoseek.__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "COLUMNS": "100", "PYTHONPATH": path, **variables}


def photoseek_process(
    *arguments: object, lines: bytes = b"", folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``photoseek`` in a new process: ``lines`` on standard input, in ``folder``, with environment variables."""
    done = subprocess.run(
        [sys.executable, "-m", "photoseek", *map(str, arguments)],
        capture_output=True,
        input=lines,
        env=environment(**variables),
        cwd=folder,
        timeout=300,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def photoseek_command(
    *arguments: object, lines: bytes = b"", folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``photoseek`` as ``photoseek_process`` does, but in this process, which saves the seconds of its imports."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    words = ["photoseek", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, _hooks_restored(patch, err):
        for name, stream in (("stdin", io.TextIOWrapper(io.BytesIO(lines))), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", words)
        for name, value in {"COLUMNS": "100", **variables}.items():
            patch.setenv(name, value)
        if folder is not None:
            patch.chdir(folder)
        code = _exit_code()
    stdout, stderr = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(words, code, stdout, stderr)


def answer(*arguments: object, lines: bytes = b"", folder: Path | None = None, **variables: str) -> str:
    """Return the standard output of a command that succeeds."""
    done = photoseek_command(*arguments, lines=lines, folder=folder, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    return 1


@contextmanager
def _hooks_restored(patch: pytest.MonkeyPatch, err: io.TextIOWrapper) -> Iterator[None]:
    """Restore the hooks that the command line installs, and log and warn on ``err`` as a new process would."""
    for module, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        patch.setattr(module, name, getattr(module, name))
    handler, factory = logging.StreamHandler(err), logging.getLogRecordFactory()
    handler.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.resetwarnings()
        for category in _OFF_BY_DEFAULT:
            warnings.simplefilter("ignore", category)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            logging.setLogRecordFactory(factory)
