"""Cards, chips and pasted pictures: components with a script, and fields that keep their value while they are hidden.

The scripts insert all data as text, never as HTML or Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_POPOVERS = "popovers"  # in the session: how often they were closed
_FOLDER = Path(__file__).parent / "assets"
_PARTS = {
    "cards": ("actions", "stage", "screen", "viewer", "selection", "albums"),
    "album": ("actions",),
    "chips": ("actions",),
    "query": ("actions",),
}  # scripts and styles in addition to a component's own


def render_component(name: str, key: str, data: Mapping[str, Any], **events: Callable[[], None]) -> None:
    """Draw a component; each callback in ``events`` runs after the event of its name, see ``component_value``."""
    callbacks: dict[str, Any] = {f"on_{event}_change": callback for event, callback in events.items()}
    _component(name)(key=key, data=dict(data), **callbacks)


def component_value(key: str, event: str) -> Any:
    """Return the value of an event, in its callback."""
    return getattr(st.session_state.get(key), event, None)


def field_options(name: str, value: Any, labels: str = "") -> dict[str, Any]:
    """Return key and callback of a field that shows ``value``, and stores changes in the session under ``name``.

    The value needs a separate key, because Streamlit drops the value of a field that is not drawn. ``labels`` is the
    language of the labels of a choice: browsers send the chosen label back, so each language needs a field of its own.
    Give the value as the default of the field as well: Streamlit sends a value of the session in one run only, and a
    browser that loads the script of the field later shows and returns the default.
    """
    field = f"{name}-field-{labels}" if labels else f"{name}-field"
    if st.session_state.get(field) != value:
        st.session_state[field] = value
    return {"key": field, "on_change": _store, "args": (name, field)}


def popover_key(name: str) -> str:
    """Return the key of a popover. It is another one, and so a closed one, after ``close_popovers``."""
    return f"{name}-{st.session_state.setdefault(_POPOVERS, 0)}"


def close_popovers() -> None:
    """Close the popovers of the query."""
    st.session_state[_POPOVERS] = st.session_state.get(_POPOVERS, 0) + 1


def _store(name: str, field: str) -> None:
    st.session_state[name] = st.session_state[field]


@cache
def _component(name: str) -> ComponentRenderer:
    """Register a component; Streamlit warns if this happens twice."""
    parts = (*_PARTS.get(name, ()), name)
    style = "".join(file.read_text("utf-8") for part in parts if (file := _FOLDER / f"{part}.css").exists())
    return st.components.v2.component(
        f"photoseek_{name}",
        html='<div class="ps-component"></div>',
        css=style or None,
        js="".join((_FOLDER / f"{part}.js").read_text("utf-8") for part in parts),
    )
