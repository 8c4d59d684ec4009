"""Output of all command lines: text, tables, JSON, progress bars and one-line errors.

Only this module prints. It escapes all text with ``visible``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, Protocol

import typer

from photoseek.errors import PhotoseekError, QueryError
from photoseek.system import terminal
from photoseek.system.os_errors import describe_os_error
from photoseek.system.terminal import encodable, json_text, one_line, visible
from photoseek.system.terminal import print_line as print_line
from photoseek.version import __version__

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, ProgressColumn

RUNTIME_ERROR = 1
USAGE_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

_TABLE_WIDTH = 10_000  # columns
_debug = False


def make_app(help_text: str) -> typer.Typer:
    """Return a Typer app with ``--debug`` and ``--version``, and with plain error messages."""
    app = typer.Typer(
        help=help_text,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    return app


def print_version(requested: bool) -> None:
    """Print the version and exit if ``requested``."""
    if requested:
        print_line(__version__)
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
]


def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: VersionOption = False,
) -> None:
    del version  # handled by its callback
    set_debug(debug)


def set_debug(debug: bool) -> None:
    """Set whether errors show their traceback."""
    global _debug
    _debug = debug


def run(
    app: typer.Typer,
    name: str,
    bad_use: tuple[type[PhotoseekError], ...] = (QueryError,),
    extra: str | None = None,
) -> None:
    """Run a command line and exit; expected errors print one line on standard error.

    Args:
        app: The app to run.
        name: Name of the program.
        bad_use: Usage errors, which exit with 2 instead of 1.
        extra: The extra that provides the imported packages.
    """
    terminal.install()
    try:
        try:
            code = app(prog_name=name, standalone_mode=False)
        finally:
            terminal.install()  # Typer replaces the hook for uncaught errors
        sys.stdout.flush()  # here, so that a closed pipe is handled below
    except typer.TyperException as error:  # no such option, a missing argument, ...
        context = getattr(error, "ctx", None)
        command = context.command_path if context else name
        if not error.format_message():  # no command: the help was printed
            sys.exit(error.exit_code)
        fail(name, f"{error.format_message()} See: {command} --help", error.exit_code)
    except PhotoseekError as error:
        if _debug:
            raise
        fail(name, str(error), USAGE_ERROR if isinstance(error, bad_use) else RUNTIME_ERROR)
    except ModuleNotFoundError as error:
        if _debug or extra is None:
            raise
        install = f"pip install 'photoseek[{extra}]'"
        fail(name, f"{error.name} is not installed; install it with: {install}", RUNTIME_ERROR)
    except (KeyboardInterrupt, typer.Abort):
        fail(name, "interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(RUNTIME_ERROR)
    except OSError as error:  # for example: disk full, permission denied, not a directory
        if _debug:
            raise
        fail(name, describe_os_error(error), RUNTIME_ERROR)
    sys.exit(code or 0)


def fail(name: str, message: str, code: int) -> NoReturn:
    """Print one line on standard error and exit."""
    print_status(name, message)
    sys.exit(code)


@contextmanager
def exit_on_interrupt(state: str) -> Iterator[None]:
    """Exit on Ctrl-C with a message that says what was saved."""
    try:
        yield
    except KeyboardInterrupt:
        fail("photoseek", f"interrupted; {state}", INTERRUPTED)


def print_status(name: str, message: str) -> None:
    """Print one line on standard error."""
    print_line(f"{name}: {one_line(message)}", error=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print JSON on standard output, with unsafe characters as JSON escapes."""
    utf8 = (sys.stdout.encoding or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")
    print(json_text(value, indent=indent, ascii_only=not utf8))


def print_paths(paths: Iterable[str], *, end: bytes) -> None:
    """Print paths on standard output: one per line on a terminal, else their bytes followed by ``end``."""
    if sys.stdout.isatty():
        for path in paths:
            print_line(path)
    else:
        sys.stdout.buffer.write(b"".join(os.fsencode(path) + end for path in paths))


def flush() -> None:
    """Flush standard output."""
    sys.stdout.flush()


def on_terminal() -> bool:
    """Return whether standard input and standard output are terminals."""
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__))


def can_ask() -> bool:
    """Return whether a user can answer a prompt: standard input and standard error are terminals."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def confirm(question: str) -> bool:
    """Prompt on the terminal and return whether the answer is ``y`` or ``yes``."""
    print(encodable(f"{one_line(question)} [y/N] ", sys.stderr), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def plain(value: Any) -> str:
    """Format a value without brackets and quotes, and integers with thousands separators."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(inner)}".strip() for key, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(plain(inner) for inner in value) or "-"
    return "-" if value is None else f"{value:,}" if type(value) is int else str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output; all columns but the first are right-aligned."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        justify: Literal["left", "right"] = "left" if position == 0 else "right"
        table.add_column(Text(_cell(column)), justify=justify, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*(Text(_cell(cell)) for cell in row))
    _console(stderr=False).print(table, crop=False)


class BarUpdate(Protocol):
    """Updates a progress bar."""

    def __call__(self, done: int, total: int, description: str | None = None) -> None:
        """Set the number of completed items, the total, and a new description if there is one."""


@contextmanager
def progress_bar(description: str, unit: str = "photos", period: float | None = None) -> Iterator[BarUpdate]:
    """Show a progress bar on standard error and yield its update function.

    Without a terminal, nothing is printed. The remaining time is estimated from the last ``period`` seconds; None: 30.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]}}", markup=False),
        TimeRemainingColumn(),
    )
    with _progress(columns, period or 30.0) as progress:
        task = progress.add_task(_label(description), total=None, rate="...")

        def update(done: int, total: int, description: str | None = None) -> None:
            speed, label = progress.tasks[task].speed, None if description is None else _label(description)
            rate = f"{speed:,.0f}/s" if speed else "..."
            progress.update(task, completed=done, total=total, description=label, rate=rate)

        yield update


@contextmanager
def timed_steps() -> Iterator[Callable[[str], None]]:
    """Yield a function that begins a step, and print each finished step with its seconds on standard error.

    On a terminal, the current step and its elapsed time are shown, too. The step that fails is not printed.
    """
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    shown: Progress | None = None
    current, began = "", 0.0

    def finish() -> None:
        if shown is not None:
            shown.stop()
        if current:
            print_line(f"{current}: {perf_counter() - began:.1f} s", error=True)

    def begin(step: str) -> None:
        nonlocal shown, current, began
        finish()
        current, began = step, perf_counter()
        shown = _progress(columns)
        shown.add_task(_label(step), total=None)
        shown.start()

    try:
        yield begin
        finish()
    finally:
        if shown is not None:
            shown.stop()


def print_picture(picture: RenderableType) -> None:
    """Print a rich renderable, including its control sequences."""
    _console(stderr=False, width=None).print(picture)


def _console(*, stderr: bool, width: int | None = _TABLE_WIDTH) -> Console:
    """Return a rich console that does not interpret markup."""
    from rich.console import Console

    # Paths are never truncated, because the output may be piped into another program. On a dumb terminal, rich
    # ignores a width without a height.
    size = (None, None) if stderr or width is None else (width, 25)
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=size[0], height=size[1])


def _progress(columns: Sequence[ProgressColumn], period: float = 30.0) -> Progress:
    """Return a live display on standard error, which vanishes at its end; without a terminal, it prints nothing."""
    from rich.progress import Progress

    console = _console(stderr=True)
    shown = console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=not shown, speed_estimate_period=period)


def _label(text: str) -> str:
    return encodable(visible(text), sys.stderr)


def _cell(text: str) -> str:
    return encodable(visible(text), sys.stdout)
