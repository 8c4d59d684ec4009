"""Command-line options from dataclasses, so that several commands share one declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, get_origin, get_type_hints

import typer

HELP, FLAG = "help", "flag"
"""Metadata of a field that is an option: its help, and its name if it is not that of the field."""


def option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with an option for each option field of its parameters that are dataclasses.

    A field is an option if its type is annotated with ``typer.Option``, or if its metadata has ``HELP``. A dataclass
    also receives the parameters of the command that have the name of one of its fields.
    """
    signature = inspect.signature(command, eval_str=True)
    kinds = {each.name: each.annotation for each in signature.parameters.values()}
    groups: dict[str, Any] = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}
    named = kinds.keys() - groups.keys()

    @wraps(command)
    def run(**values: Any) -> None:
        arguments = {name: values[name] for name in named}
        for name, group in groups.items():
            arguments[name] = group(**{each.name: values[each.name] for each in fields(group) if each.name in values})
        command(**arguments)

    parameters = [
        option
        for name, parameter in signature.parameters.items()
        for option in (_options(groups[name], named) if name in groups else [parameter])
    ]
    keyword_only = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]
    vars(run)["__signature__"] = signature.replace(parameters=keyword_only)
    return run


def help_of(group: Any, name: str) -> str:
    """Return the help that the metadata of a field has."""
    return next(str(field.metadata[HELP]) for field in fields(group) if field.name == name)


def _options(group: Any, omit: AbstractSet[str]) -> Iterator[Parameter]:
    types = get_type_hints(group, include_extras=True)
    for field in fields(group):
        kind = types[field.name]
        if HELP in field.metadata:
            flags = [field.metadata[FLAG]] if field.metadata.get(FLAG) else []
            kind = Annotated[kind, typer.Option(*flags, help=field.metadata[HELP])]
        if get_origin(kind) is Annotated and field.name not in omit:
            default = Parameter.empty if field.default is MISSING else field.default
            yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
