"""The query in the page's URL, so that a link repeats the search.

It never contains an uploaded photo or the folder of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from photoseek.errors import QueryError
from photoseek.gallery.albums import MAX_NAME
from photoseek.gallery.filters import Filter
from photoseek.page.album_view import ALBUM
from photoseek.page.bundle_form import RERANK, SEARCH, SHORT
from photoseek.page.filter_form import BY_NAME, NAME_CHOICES, NAMES, PREFIX
from photoseek.page.paging import DATE, LIKENESS, MAX_K, PAGE
from photoseek.page.search_form import MAX_TEXT
from photoseek.page.strings import KEY

_MAX_PATH = 4096
_PARSERS: dict[str, Callable[[str], Any]] = {"min_megapixels": float, "max_megapixels": float}


def read_url() -> None:
    """Initialize the session from the URL; invalid values are ignored."""
    state, given = st.session_state, st.query_params
    state.setdefault("q", given.get("q", "")[:MAX_TEXT])
    state.setdefault("k", _number_of_photos(given.get("k", "")))
    state.setdefault("sort", DATE if given.get("sort") == DATE else LIKENESS)
    if ALBUM not in state and (album := given.get(ALBUM, "")[:MAX_NAME]):
        state.update({ALBUM: album, "view": "albums"})
    if "similar_to" not in state:
        state["similar_to"] = given.get("similar_to", "")[:_MAX_PATH] or None
    for name in (SEARCH, RERANK):
        if name not in state:
            state[name] = given.get(name, "")[:SHORT] or None
    for name in NAMES:
        if PREFIX + name not in state:
            state[PREFIX + name] = _filter_value(name, given.get(name, "")[:_MAX_PATH])
    if PREFIX + BY_NAME not in state:
        state[PREFIX + BY_NAME] = next((name for name in NAME_CHOICES if name == given.get(BY_NAME)), None)


def write_url() -> None:
    """Update the URL from the session."""
    state = st.session_state
    values = {
        "q": state["q"].strip(),
        "k": state["k"] if state["k"] != PAGE else None,
        "sort": state["sort"] if state["sort"] != LIKENESS else None,
        "similar_to": state["similar_to"],
        **{name: state.get(PREFIX + name) for name in (*NAMES, BY_NAME)},
        SEARCH: state.get(SEARCH),
        RERANK: state.get(RERANK),
        ALBUM: state.get(ALBUM) if state.get("tab") == "albums" else None,
        KEY: state.get(KEY),
    }
    query = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items() if value}
    if query != st.query_params.to_dict():
        st.query_params.from_dict(query)


def _number_of_photos(given: str) -> int:
    k = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else PAGE
    return min(max(k, 1), MAX_K)


def _filter_value(name: str, given: str) -> Any:
    try:
        value = _PARSERS.get(name, str)(given)
        return Filter(**{name: value}).to_json().get(name) or None
    except (ValueError, QueryError):
        return None
