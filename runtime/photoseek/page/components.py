"""The parts of the page that Streamlit has none for, each with a script of its own: cards, chips, pasted pictures.

What is shown in them is set as text by their scripts, never as HTML or Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent / "assets"


def register_component(name: str, key: str, data: Mapping[str, Any], **told: Callable[[], None]) -> None:
    """Draw a part; each of ``told`` is called when the person has done what its name says,
    see ``component_value``."""
    callbacks: dict[str, Any] = {f"on_{event}_change": callback for event, callback in told.items()}
    _part(name)(key=key, data=dict(data), **callbacks)


def component_value(key: str, event: str) -> Any:
    """What a part tells with an event; to be asked in its callback."""
    return getattr(st.session_state.get(key), event, None)


@cache
def _part(name: str) -> ComponentRenderer:
    """Registered once: a second time would be warned of."""
    style = _FOLDER / f"{name}.css"
    return st.components.v2.component(
        f"photoseek_{name}",
        html='<div class="ps-part"></div>',
        css=style.read_text("utf-8") if style.exists() else None,
        js=(_FOLDER / f"{name}.js").read_text("utf-8"),
    )
