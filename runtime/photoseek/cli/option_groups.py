"""Groups of options as dataclasses, so that several commands share one declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def option_groups(command: Callable[..., T]) -> Callable[..., T]:
    """Return a command that has the fields of its dataclass parameters as options.

    Typer reads the options from the signature of a function: a parameter ``store: StoreOptions`` is replaced by one
    parameter per field of ``StoreOptions``, with the field's type and default. The wrapper builds the dataclass.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        each.name: each.annotation for each in signature.parameters.values() if is_dataclass(each.annotation)
    }

    @wraps(command)
    def run(**values: Any) -> T:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)

    parameters = [option for each in signature.parameters.values() for option in _expand(each)]
    vars(run)["__signature__"] = signature.replace(parameters=parameters)
    return run


def _expand(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    """Yield keyword-only parameters: the fields of a dataclass, or the parameter itself."""
    group = parameter.annotation
    if not is_dataclass(group):
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        return
    types = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[field.name]
        )
