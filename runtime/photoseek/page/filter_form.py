"""Which photos may be found: fields for a ``Filter``, and a chip for each condition that is set."""

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

NAMES = tuple(field.name for field in fields(Filter))
"""The conditions, as they are called in the session, with ``PREFIX``, and in the address."""

PREFIX = "where-"

_CHIP_SIDE = 128
_TURN = "fields-turn"


def render_filter_form(folders: Sequence[str]) -> None:
    """Draw a button that unfolds the fields."""
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


def current_filter() -> Filter:
    """What the session asks for now.

    Raises:
        QueryError: Invalid date.
    """
    values: dict[str, Any] = {name: st.session_state.get(PREFIX + name) for name in NAMES}
    return Filter(**{name: value for name, value in values.items() if value not in (None, "")})


def render_filter_chips(asked: SearchForm) -> None:
    """Draw what is asked for besides the text; a click removes it."""
    chips = [*_query_chips(asked), *_condition_chips()]
    if chips:
        components.register_component("chips", "chips", {"chips": chips, "remove": strings().remove}, removed=_remove)


def _choose(label: str, name: str, options: Sequence[str], shown: dict[str, str]) -> None:
    chosen = st.session_state[PREFIX + name]
    known = [*options] if chosen in (None, *options) else [*options, chosen]  # a link may name a folder that has gone
    st.selectbox(
        label,
        known,
        index=None,
        placeholder=strings().any,
        format_func=lambda it: shown.get(it, it),
        **_field(name),
    )


def _field(name: str) -> dict[str, Any]:
    """Key and callback of a field.

    The browser keeps what was typed into a field that is folded away, whatever the session says meanwhile: a condition
    is therefore kept apart from its field, and has a new one after a chip was removed.
    """
    turn = st.session_state.setdefault(_TURN, 0)
    key = f"field-{turn}-{name}"
    st.session_state.setdefault(key, st.session_state.get(PREFIX + name))
    return {"key": key, "on_change": _take, "args": (name, key, turn)}


def _take(name: str, key: str, turn: int) -> None:
    if turn == st.session_state[_TURN]:  # the browser sends a field that has gone once more, when it is quick
        st.session_state[PREFIX + name] = st.session_state[key]


def _orientations(now: Strings) -> dict[str, str]:
    return {"landscape": now.landscape, "portrait": now.portrait, "square": now.square}


def _query_chips(asked: SearchForm) -> list[dict[str, str]]:
    chips = []
    if asked.photo is not None:
        try:
            picture = {"picture": data_uri(make_thumbnail(asked.photo.data, _CHIP_SIDE))}
        except PhotoError:  # told where the results would be
            picture = {}
        chips.append({"id": "photo", "label": asked.photo.name or strings().your_photo, **picture})
    if asked.similar_to is not None:
        chips.append({"id": "similar_to", "label": strings().similar_to_chip.format(path=asked.similar_to)})
    return chips


def _condition_chips() -> list[dict[str, str]]:
    now = strings()
    labels: dict[str, Callable[[Any], str]] = {
        "taken_from": lambda value: now.from_chip.format(date=value),
        "taken_to": lambda value: now.to_chip.format(date=value),
        "min_megapixels": lambda value: now.megapixels.format(sign="≥", size=value),
        "max_megapixels": lambda value: now.megapixels.format(sign="≤", size=value),
        "orientation": lambda value: _orientations(now)[value],
        "type": lambda value: value.upper(),
    }
    values = {name: st.session_state.get(PREFIX + name) for name in NAMES}
    return [
        {"id": name, "label": labels.get(name, str)(value)} for name, value in values.items() if value not in (None, "")
    ]


def _remove() -> None:
    name = components.component_value("chips", "removed")
    if name in ("photo", "similar_to"):
        st.session_state[name] = None
    elif name in NAMES:
        st.session_state[PREFIX + name] = None
        st.session_state[_TURN] += 1
