"""Command-line options from dataclasses, so that names, defaults and help are defined once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from inspect import Parameter, Signature
from typing import Any, get_type_hints

import typer

from photoseek_train.config import FLAG, HELP


def option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with an option for each ``setting`` of its parameters that are dataclasses.

    A dataclass also receives the options of the command that have the name of one of its fields.
    """
    signature = inspect.signature(command, eval_str=True)
    kinds = {name: each.annotation for name, each in signature.parameters.items()}
    groups: dict[str, Any] = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}
    options = kinds.keys() - groups.keys()
    parameters = [
        parameter
        for name, each in signature.parameters.items()
        for parameter in (_options(groups[name], options) if name in groups else [each])
    ]

    def run(**values: Any) -> None:
        arguments = {name: values[name] for name in options}
        for name, kind in groups.items():
            arguments[name] = kind(**{each.name: values[each.name] for each in fields(kind) if each.name in values})
        command(**arguments)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    vars(run)["__signature__"] = Signature(parameters)
    return run


def help_of(kind: Any, name: str) -> str:
    """Return the help of a dataclass's ``setting``."""
    return next(str(each.metadata[HELP]) for each in fields(kind) if each.name == name)


def _options(kind: Any, omit: set[str]) -> Iterator[Parameter]:
    """Yield a parameter for each ``setting`` of a dataclass."""
    types = get_type_hints(kind)
    for each in fields(kind):
        if HELP in each.metadata and each.name not in omit:
            flags = [each.metadata[FLAG]] if each.metadata[FLAG] else []
            option = typer.Option(each.default, *flags, help=each.metadata[HELP])
            yield Parameter(each.name, Parameter.KEYWORD_ONLY, default=option, annotation=types[each.name])
