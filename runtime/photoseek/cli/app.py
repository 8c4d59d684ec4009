"""The ``photoseek`` command line, a thin layer over the library: one module per command.

``main`` imports only the module of the command that it runs, since importing all takes longer than a search.
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterable
from functools import cache
from importlib import import_module

import typer
from PIL import Image

from photoseek.cli import output
from photoseek.errors import EvaluationError, QueryError

_COMMANDS = {
    "demo": ("page", "demo"),
    "index": ("index", "index"),
    "search": ("search", "search"),
    "push": ("store", "push"),
    "calibrate": ("evaluate", "calibrate"),
    "evaluate": ("evaluate", "evaluate"),
    "bench": ("bench", "bench"),
    "app": ("page", "page"),
    "serve": ("serve", "serve"),
    "mcp": ("mcp", "mcp"),
    "info": ("info", "info"),
    "verify": ("info", "verify"),
    "captions": ("captions", "app"),
    "albums": ("albums", "app"),
    "models": ("models", "app"),
}
"""The module of each command, and its function, or its app if it has commands of its own."""

_ALLOCATIONS = 50_000
"""Allocations between garbage collections: far more than Python's 700, because imports create many objects to stay."""


def _build(names: Iterable[str]) -> typer.Typer:
    app = output.make_app("Search photos by their content. To get started, run `photoseek demo`.")
    for name in names:
        module, attribute = _COMMANDS[name]
        command = getattr(import_module(f"photoseek.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


@cache
def __getattr__(name: str) -> typer.Typer:
    """Return ``app``, which has all commands."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _build(_COMMANDS)


def main() -> None:
    """Run the command line."""
    gc.set_threshold(_ALLOCATIONS)
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # photos.MAX_PIXELS is the limit
    named = [name for name in sys.argv[1:2] if name in _COMMANDS]
    output.run(_build(named or _COMMANDS), "photoseek", bad_use=(QueryError, EvaluationError))
