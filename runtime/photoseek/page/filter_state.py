"""The filters of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from zlib import crc32

import streamlit as st

from photoseek.gallery.filters import Filter
from photoseek.page.strings import date_of
from photoseek.search.name_query import Names

NAMES = tuple(field.name for field in fields(Filter))
"""Names of the filters in the URL and, with ``PREFIX``, in the session."""

PREFIX = "filter-"

BY_NAME = "names"
"""Name of the choice whether names are searched, in the URL and, with ``PREFIX``, in the session."""

NAME_CHOICES: tuple[Names, ...] = ("only", "never")
"""Its values; None: also."""

_ALL = (*NAMES, BY_NAME)

SESSION_NAMES = tuple(PREFIX + name for name in _ALL)
"""Names of all filters in the session."""

_TURN = "filter-turn"
_DATES = ("taken_from", "taken_to")


def current_filter() -> Filter:
    """Return the current filter of the session.

    Raises:
        QueryError: Invalid date.
    """
    return Filter(**{name: value for name, value in filter_values().items() if name != BY_NAME})


def filter_values() -> dict[str, Any]:
    """Return the values of the active filters and of ``BY_NAME``, which may be invalid."""
    values = {name: st.session_state.get(PREFIX + name) for name in _ALL}
    return {name: value for name, value in values.items() if value not in (None, "")}


def current_names() -> Names:
    """Return whether the search of the session finds photos by their names."""
    chosen: Names | None = st.session_state.get(PREFIX + BY_NAME)
    return chosen or "also"


def set_filters(**values: Any) -> None:
    """Set or, with None, remove filters by their names, and show them in new fields."""
    for name, value in values.items():
        st.session_state[PREFIX + name] = value
    renew_fields()


def clear_filters() -> None:
    """Remove all filters."""
    set_filters(**dict.fromkeys(_ALL))


def renew_fields() -> None:
    """Show the filters of the session in new fields."""
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def field_options(name: str, labels: Sequence[str] = ()) -> dict[str, Any]:
    """Return key and callback of the field of a filter.

    The browser restores the text of a field in a closed popover, whatever the session contains. A filter is therefore
    stored separately from its field, and has a new field after ``set_filters``. A choice also has a new field whenever
    its ``labels`` change: the browser sends the label of the chosen option back.
    """
    turn = st.session_state.setdefault(_TURN, 0)
    key = f"field-{turn}-{name}"
    if labels:
        key += f"-{crc32(repr(labels).encode('utf-8', 'surrogatepass')):08x}"
    st.session_state.setdefault(key, st.session_state.get(PREFIX + name))
    return {"key": key, "on_change": _store, "args": (name, key, turn)}


def _store(name: str, key: str, turn: int) -> None:
    if turn == st.session_state[_TURN]:  # a browser may send the value of a removed field again
        value = st.session_state[key]
        st.session_state[PREFIX + name] = date_of(value) if value and name in _DATES else value
