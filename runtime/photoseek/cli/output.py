"""What every command line of the project shares: lines, tables, JSON, progress bars, errors in one line.

No other module prints. Whatever is printed here passes :func:`photoseek.system.terminal.visible`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from photoseek.errors import PhotoseekError, QueryError
from photoseek.system import terminal
from photoseek.system.terminal import encodable, json_text, one_line, visible
from photoseek.system.terminal import print_line as print_line
from photoseek.version import __version__

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

RUNTIME_ERROR = 1
USAGE_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

_TABLE_WIDTH = 10_000  # columns
_debug = False


def make_app(help_text: str) -> typer.Typer:
    """A command line with ``--debug``, and without the boxes around errors."""
    app = typer.Typer(
        help=help_text,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    return app


def show_version(asked: bool) -> None:
    """Print the version and exit, if asked to."""
    if asked:
        print_line(__version__)
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
]


def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: VersionOption = False,
) -> None:
    del version  # its callback has printed it
    set_debug(debug)


def set_debug(debug: bool) -> None:
    """Whether errors keep their traceback."""
    global _debug
    _debug = debug


def run(
    app: typer.Typer,
    name: str,
    bad_use: tuple[type[PhotoseekError], ...] = (QueryError,),
    extra: str | None = None,
) -> None:
    """Run a command line and exit; whatever was expected to go wrong is one line on standard error.

    Args:
        app: What to run.
        name: What it is called.
        bad_use: Errors that are the caller's: they exit with 2 and not with 1.
        extra: The extra that brings what the commands import.
    """
    terminal.install()
    try:
        code = _invoke(app, name)
        sys.stdout.flush()  # here, where a reader that is gone is still no error
    except typer.TyperException as error:  # no such option, a missing argument, ...
        context = getattr(error, "ctx", None)
        asked = context.command_path if context else name
        if not error.format_message():  # no command: the help was printed
            sys.exit(error.exit_code)
        fail(name, f"{error.format_message()} See: {asked} --help", error.exit_code)
    except PhotoseekError as error:
        if _debug:
            raise
        fail(name, str(error), USAGE_ERROR if isinstance(error, bad_use) else RUNTIME_ERROR)
    except ModuleNotFoundError as error:
        if _debug or extra is None:
            raise
        install = f"pip install 'photoseek[{extra}]'"
        fail(name, f"{error.name} is not installed; install what is missing: {install}", RUNTIME_ERROR)
    except (KeyboardInterrupt, typer.Abort):
        fail(name, "interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(RUNTIME_ERROR)
    except OSError as error:  # a full disk, no permission, a folder that is a file
        if _debug:
            raise
        fail(name, str(error), RUNTIME_ERROR)
    sys.exit(code or 0)


def _invoke(app: typer.Typer, name: str) -> Any:
    try:
        return app(prog_name=name, standalone_mode=False)
    finally:
        terminal.install()  # Typer has put a hook for uncaught errors in the place of ours


def fail(name: str, message: str, code: int) -> NoReturn:
    """Print one line on standard error and exit."""
    print_status(name, message)
    sys.exit(code)


def print_status(name: str, message: str) -> None:
    """Print one line on standard error."""
    print_line(f"{name}: {one_line(message)}", error=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print JSON on standard output; unsafe characters are JSON escapes, which a parser undoes."""
    utf8 = (sys.stdout.encoding or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")
    print(json_text(value, indent=indent, ascii_only=not utf8))


def print_paths(paths: Iterable[str], *, end: bytes) -> None:
    """Print paths on standard output: their bytes, each with ``end``, or one a line for people on a terminal."""
    if sys.stdout.isatty():
        for path in paths:
            print_line(path)
    else:
        sys.stdout.buffer.write(b"".join(os.fsencode(path) + end for path in paths))


def flush() -> None:
    """Hand standard output to its reader now."""
    sys.stdout.flush()


def on_terminal() -> bool:
    """Whether both standard input and standard output are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__))


def can_ask() -> bool:
    """Whether a user can be asked: standard input and standard error are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def confirm(question: str) -> bool:
    """Ask a question on the terminal; anything but ``y`` or ``yes`` means no."""
    print(encodable(f"{one_line(question)} [y/N] ", sys.stderr), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output; the columns after the first are numbers."""
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


@contextmanager
def progress_bar(description: str, unit: str = "photos") -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, told of what is done and what there is in all; silent where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]}}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task(encodable(visible(description), sys.stderr), total=None, rate="...")

        def update(done: int, total: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "...")

        yield update


def print_picture(picture: RenderableType) -> None:
    """Print what rich draws with control sequences of its own."""
    _console(stderr=False, width=None).print(picture)


def _console(*, stderr: bool, width: int | None = _TABLE_WIDTH) -> Console:
    """A console of rich that takes no text for markup."""
    from rich.console import Console

    # A path is never cut: what is printed may be piped into another program. On a dumb terminal, rich takes a width
    # only together with a height.
    size = (None, None) if stderr or width is None else (width, 25)
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=size[0], height=size[1])


def _cell(text: str) -> str:
    return encodable(visible(text), sys.stdout)
