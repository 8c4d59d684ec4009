"""What every command line of the project shares: errors in one line, progress bars, tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from photoseek.errors import PhotoseekError, QueryError

if TYPE_CHECKING:
    from rich.console import Console

FAILURE = 1
BAD_USE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

_WIDE = 10_000  # columns
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


def _options(debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False) -> None:
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
    try:
        code = app(prog_name=name, standalone_mode=False)
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
        fail(name, str(error), BAD_USE if isinstance(error, bad_use) else FAILURE)
    except ModuleNotFoundError as error:
        if _debug or extra is None:
            raise
        install = f"pip install 'photoseek[{extra}]'"
        fail(name, f"{error.name} is not installed; install what is missing: {install}", FAILURE)
    except (KeyboardInterrupt, typer.Abort):
        fail(name, "interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILURE)
    except OSError as error:  # a full disk, no permission, a folder that is a file
        if _debug:
            raise
        fail(name, str(error), FAILURE)
    sys.exit(code or 0)


def fail(name: str, message: str, code: int) -> NoReturn:
    """Print one line on standard error and exit."""
    tell(name, message)
    sys.exit(code)


def tell(name: str, message: str) -> None:
    """Print one line on standard error."""
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)


def print_json(value: Any) -> None:
    """Print JSON on standard output; file names that are not text stay readable."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output; the columns after the first are numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        justify: Literal["left", "right"] = "left" if position == 0 else "right"
        table.add_column(column, justify=justify, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console(stderr=False).print(table, crop=False)


@contextmanager
def progress_bar(description: str, unit: str = "photos") -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, told of what is done and what there is in all; silent where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]}}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=None, rate="...")

        def update(done: int, total: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "...")

        yield update


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    # A path is never cut: what is printed may be piped into another program.
    return Console(stderr=stderr, highlight=False, width=None if stderr else _WIDE)
