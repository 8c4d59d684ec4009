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
from photoseek.page.bundle_form import RERANK, SEARCH, SHORT
from photoseek.page.filter_state import BY_NAME, NAME_CHOICES, NAMES, PREFIX
from photoseek.page.paging import AT, LIKENESS, MAX_K, ORDERS, PAGE
from photoseek.page.search_form import MAX_TEXT
from photoseek.page.selection import ALBUM
from photoseek.page.strings import KEY

ERRORS = "link-errors"
"""Name in the session of what is wrong with the values of the URL, each with the name of the value."""

_MAX_PATH = 4096
_PARSERS: dict[str, Callable[[str], Any]] = {"min_megapixels": float, "max_megapixels": float}


def read_url() -> None:
    """Initialize the session from the URL; invalid values are ignored, and listed in the session under ``ERRORS``."""
    state, given = st.session_state, st.query_params
    errors: list[str] = state.setdefault(ERRORS, [])
    state.setdefault("q", given.get("q", "")[:MAX_TEXT])
    if "k" not in state:
        state["k"] = _number_of_photos(given.get("k", ""), errors)
    if "sort" not in state:
        state["sort"] = _one_of("sort", ORDERS, given.get("sort", ""), errors) or LIKENESS
    if ALBUM not in state and (album := given.get(ALBUM, "")[:MAX_NAME]):
        state.update({ALBUM: album, "view": "albums"})
    for name in ("similar_to", AT):
        if name not in state:
            state[name] = given.get(name, "")[:_MAX_PATH] or None
    for name in (SEARCH, RERANK):
        if name not in state:
            state[name] = given.get(name, "")[:SHORT] or None
    for name in NAMES:
        if PREFIX + name not in state:
            state[PREFIX + name] = _filter_value(name, given.get(name, "")[:_MAX_PATH], errors)
    if PREFIX + BY_NAME not in state:
        state[PREFIX + BY_NAME] = _one_of(BY_NAME, NAME_CHOICES, given.get(BY_NAME, ""), errors)


def write_url() -> None:
    """Update the URL from the session."""
    state = st.session_state
    values = {
        "q": state["q"].strip(),
        "k": state["k"] if state["k"] != PAGE else None,
        "sort": state["sort"] if state["sort"] != LIKENESS else None,
        "similar_to": state["similar_to"],
        **{name: state.get(PREFIX + name) for name in (*NAMES, BY_NAME)},
        AT: state[AT],
        SEARCH: state.get(SEARCH),
        RERANK: state.get(RERANK),
        ALBUM: state.get(ALBUM) if state.get("tab") == "albums" else None,
        KEY: state.get(KEY),
    }
    query = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items() if value}
    if query != st.query_params.to_dict():
        st.query_params.from_dict(query)


def _number_of_photos(given: str, errors: list[str]) -> int:
    k = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else PAGE
    shown = min(max(k, 1), MAX_K)
    if given and given.lstrip("0") != str(shown):
        errors.append(f"k: expected a number from 1 to {MAX_K}, found {_short(given)}")
    return shown


def _one_of(name: str, choices: tuple[str, ...], given: str, errors: list[str]) -> str | None:
    if given in choices:
        return given
    if given:
        errors.append(f"{name}: expected {' or '.join(choices)}, found {_short(given)}")
    return None


def _filter_value(name: str, given: str, errors: list[str]) -> Any:
    if not given:
        return None
    try:
        return Filter(**{name: _PARSERS.get(name, str)(given)}).to_json().get(name) or None
    except QueryError as error:
        errors.append(str(error))
    except ValueError:
        errors.append(f"{name}: expected a number, found {_short(given)}")
    return None


def _short(given: str) -> str:
    return repr(given[:60])
