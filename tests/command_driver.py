"""Run commands of the three programs, each in a forked child, on a terminal or with pipes.

As a script, it reads a JSON list of runs on standard input, imports the programs once, and writes the outputs.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from typed_commands import environment

_PROGRAMS = {
    "photoseek": (
        "photoseek.cli.app",
        "photoseek.evaluation.evaluate",
        "photoseek.page.launch",
        "photoseek.service.launch",
    ),
    "photoseek-train": ("photoseek_train.cli.app", "photoseek_train.training.fit", "photoseek_train.report.run_report"),
    "photoseek-export": ("photoseek_export.cli", "photoseek_export.export", "photoseek_export.clip.export"),
}
"""The module with ``main``, and modules that its commands import, here once instead of in each child."""


@dataclass(frozen=True)
class Run:
    """A command line.

    Attributes:
        words: The program and its arguments.
        terminal: Whether its streams are a terminal, or pipes.
        lines: Standard input from a pipe.
        typed: What a user types on the terminal.
        variables: Environment variables.
    """

    words: tuple[str, ...]
    terminal: bool
    lines: str = ""
    typed: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Printed:
    """The output on standard output and standard error, and the exit code."""

    output: bytes
    code: int


def run_all(runs: Sequence[Run]) -> list[Printed]:
    """Run commands one after another in a new process, which imports the programs once."""
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([asdict(run) for run in runs]).encode(),
        capture_output=True,
        env=environment(),
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [Printed(output.encode("latin-1"), code) for output, code in json.loads(done.stdout)]


def _main() -> None:
    runs = [Run(**{**each, "words": tuple(each["words"])}) for each in json.load(sys.stdin)]
    for name in {run.words[0] for run in runs}:
        modules = [importlib.import_module(module) for module in _PROGRAMS[name]]
        CliRunner().invoke(modules[0].app, ["nothing"])  # typer imports its parser for the first command
    importlib.import_module("photoseek.search.searcher")
    gc.freeze()  # a collection in a child would copy the memory
    results = [_on_terminal(run) if run.terminal else _in_pipes(run) for run in runs]
    json.dump([(output.decode("latin-1"), code) for output, code in results], sys.stdout)


def _on_terminal(run: Run) -> tuple[bytes, int]:
    terminal, side = pty.openpty()
    settings = termios.tcgetattr(side)
    settings[1] &= ~termios.OPOST  # no carriage returns
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(side, termios.TCSANOW, settings)
    os.write(terminal, run.typed.encode())
    lines = _pipe_with(run.lines) if run.lines else None
    child = os.fork()
    if child == 0:
        os.close(terminal)
        os.login_tty(side)
        if lines is not None:
            os.dup2(lines, 0)
        _child(run)
    os.close(side)
    return _read(terminal), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _in_pipes(run: Run) -> tuple[bytes, int]:
    reading, writing = os.pipe()
    lines = _pipe_with(run.lines)
    child = os.fork()
    if child == 0:
        for number, stream in enumerate((lines, writing, writing)):
            os.dup2(stream, number)
        os.close(reading)
        os.close(writing)
        _child(run)
    os.close(writing)
    os.close(lines)
    return _read(reading), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _pipe_with(text: str) -> int:
    """Return the reading end of a pipe that contains a text."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return reading


def _child(run: Run) -> None:
    code: object = 70
    try:
        sys.stdin = os.fdopen(0)
        sys.argv = list(run.words)
        os.environ.update(run.variables)
        importlib.import_module(_PROGRAMS[run.words[0]][0]).main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _read(descriptor: int) -> bytes:
    found = b""
    while True:
        try:
            block = os.read(descriptor, 65_536)
        except OSError:  # the child has closed the terminal
            break
        if not block:
            break
        found += block
    os.close(descriptor)
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    _main()
