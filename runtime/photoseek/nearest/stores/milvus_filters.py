"""Conditions in Milvus' language of boolean expressions."""

from __future__ import annotations

from collections.abc import Sequence

from photoseek.nearest.stores.conditions import Condition

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def expression_of(conditions: Sequence[Condition]) -> str:
    """All conditions in one expression; empty: any row."""
    return " and ".join(f"{each.field} {_operator(each)} {_literal(each.value)}" for each in conditions)


def _operator(condition: Condition) -> str:
    return "==" if condition.operator == "=" else condition.operator


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value.translate(_ESCAPES)}"'
