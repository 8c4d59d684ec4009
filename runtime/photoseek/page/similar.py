"""The search for photos like one of the gallery, and the way back to what it was started from."""

from __future__ import annotations

import streamlit as st

from photoseek.page.filter_state import SESSION_NAMES, renew_fields
from photoseek.page.paging import AT
from photoseek.page.search_form import start_over

_ORIGINS = "similar-origins"  # in the session: the text, photo, filters and tab before each search, by its path
_MAX_ORIGINS = 50


def search_similar(path: str) -> None:
    """Search all photos for some like one of the gallery, in place of the text, photo and filters of the query."""
    state = st.session_state
    origins = state.setdefault(_ORIGINS, {})
    if state.get("similar_to") != path:
        names = ("q", "photo", "similar_to", AT, *SESSION_NAMES)
        origins[path] = {**{name: state.get(name) for name in names}, "view": state.get("tab", "find")}
        if len(origins) > _MAX_ORIGINS:
            origins.pop(next(iter(origins)))
    start_over()
    state["similar_to"] = path


def leave_similar() -> None:
    """Return to what the search was started from, unless a text or photo was added to it since."""
    state = st.session_state
    path = state["similar_to"]
    origin = state.setdefault(_ORIGINS, {}).get(path)
    state["similar_to"] = None
    if origin is not None and not state["q"].strip() and state.get("photo") is None:
        state.update(origin)
        if origin["view"] == "find" and not any(origin[name] for name in ("q", "photo", "similar_to")):
            state[AT] = path  # where the visitor was among the photos of the gallery
        renew_fields()


def forget_origins() -> None:
    """Forget what the searches were started from, since another gallery is shown."""
    st.session_state.pop(_ORIGINS, None)
