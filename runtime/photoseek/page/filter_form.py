"""Fields for a ``Filter``, and a chip for each active filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, get_args

import streamlit as st

from photoseek.errors import PhotoError
from photoseek.gallery.filters import TYPES, Filter, Orientation
from photoseek.gallery.thumbnails import data_uri, make_thumbnail
from photoseek.page import components
from photoseek.page.search_form import SearchForm
from photoseek.page.strings import Strings, strings
from photoseek.search.name_query import Names

NAMES = tuple(field.name for field in fields(Filter))
"""Names of the filters in the URL and, with ``PREFIX``, in the session."""

PREFIX = "filter-"

BY_NAME = "names"
"""Name of the choice whether names are searched, in the URL and, with ``PREFIX``, in the session."""

NAME_CHOICES: tuple[Names, ...] = ("only", "never")
"""Its values; None: also."""

_CHIP_SIDE = 128
_TURN = "filter-turn"


def render_filter_form(folders: Sequence[str]) -> None:
    """Draw a button that opens the fields."""
    now = strings()
    with st.popover(now.filters, icon=":material/tune:"):
        _choose(now.folder, "folder", folders, {})
        with st.container(horizontal=True):
            for name, label in (("taken_from", now.taken_from), ("taken_to", now.taken_to)):
                st.text_input(label, placeholder=now.date_hint, max_chars=10, **_field(name))
        with st.container(horizontal=True):
            for name, label in (("min_megapixels", now.min_megapixels), ("max_megapixels", now.max_megapixels)):
                st.number_input(label, min_value=0.0, step=1.0, format="%g", placeholder=now.any, **_field(name))
        with st.container(horizontal=True):
            _choose(now.orientation, "orientation", get_args(Orientation), _orientations(now))
            _choose(now.type, "type", list(TYPES), {name: name.upper() for name in TYPES})
        _choose(now.names, BY_NAME, NAME_CHOICES, _name_choices(now), now.names_also)


def current_filter() -> Filter:
    """Return the current filter of the session.

    Raises:
        QueryError: Invalid date.
    """
    return Filter(**{name: value for name, value in filter_values().items() if name != BY_NAME})


def filter_values() -> dict[str, Any]:
    """Return the values of the active filters and of ``BY_NAME``, which may be invalid."""
    values = {name: st.session_state.get(PREFIX + name) for name in (*NAMES, BY_NAME)}
    return {name: value for name, value in values.items() if value not in (None, "")}


def current_names() -> Names:
    """Return whether the search of the session finds photos by their names."""
    chosen: Names | None = st.session_state.get(PREFIX + BY_NAME)
    return chosen or "also"


def render_filter_chips(query: SearchForm) -> None:
    """Draw a chip for the photo of the query and for each filter; a click removes it."""
    if chips := [*_query_chips(query), *_filter_chips()]:
        components.render_component("chips", "chips", {"chips": chips, "remove": strings().remove}, removed=_remove)


def _choose(label: str, name: str, options: Sequence[str], labels: dict[str, str], empty: str = "") -> None:
    chosen = st.session_state[PREFIX + name]
    known = [*options] if chosen in (None, *options) else [*options, chosen]  # a link may contain a removed folder
    st.selectbox(
        label,
        known,
        index=None,
        placeholder=empty or strings().any,
        format_func=lambda it: labels.get(it, it),
        **_field(name),
    )


def _field(name: str) -> dict[str, Any]:
    """Return key and callback of a field.

    The browser restores the text of a field in a closed popover, whatever the session contains. A filter is therefore
    stored separately from its field, and has a new field after its chip was removed.
    """
    turn = st.session_state.setdefault(_TURN, 0)
    key = f"field-{turn}-{name}"
    st.session_state.setdefault(key, st.session_state.get(PREFIX + name))
    return {"key": key, "on_change": _store, "args": (name, key, turn)}


def _store(name: str, key: str, turn: int) -> None:
    if turn == st.session_state[_TURN]:  # a browser may send the value of a removed field again
        st.session_state[PREFIX + name] = st.session_state[key]


def _name_choices(now: Strings) -> dict[str, str]:
    return {"only": now.names_only, "never": now.names_never}


def _orientations(now: Strings) -> dict[str, str]:
    return {"landscape": now.landscape, "portrait": now.portrait, "square": now.square}


def _query_chips(query: SearchForm) -> list[dict[str, str]]:
    chips = []
    if query.photo is not None:
        try:
            picture = {"picture": data_uri(make_thumbnail(query.photo.data, _CHIP_SIDE))}
        except PhotoError:  # reported in place of the results
            picture = {}
        chips.append({"id": "photo", "label": query.photo.name or strings().your_photo, **picture})
    if query.similar_to is not None:
        chips.append({"id": "similar_to", "label": strings().similar_to_chip.format(path=query.similar_to)})
    return chips


def _filter_chips() -> list[dict[str, str]]:
    now = strings()
    labels: dict[str, Callable[[Any], str]] = {
        "taken_from": lambda value: now.from_chip.format(date=value),
        "taken_to": lambda value: now.to_chip.format(date=value),
        "min_megapixels": lambda value: now.megapixels.format(sign="≥", size=value),
        "max_megapixels": lambda value: now.megapixels.format(sign="≤", size=value),
        "orientation": lambda value: _orientations(now)[value],
        "type": lambda value: value.upper(),
        BY_NAME: lambda value: _name_choices(now)[value],
    }
    return [{"id": name, "label": labels.get(name, str)(value)} for name, value in filter_values().items()]


def _remove() -> None:
    name = components.component_value("chips", "removed")
    if name in ("photo", "similar_to"):
        st.session_state[name] = None
    elif name in (*NAMES, BY_NAME):
        st.session_state[PREFIX + name] = None
        st.session_state[_TURN] += 1
