"""The query, the tab and the gallery in the page's URL: a link repeats them, and so does the Back button.

Each deliberate step changes the URL, and the browser adds it to its history. The URL never contains an uploaded photo
or the folder of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from photoseek.errors import QueryError
from photoseek.gallery.albums import MAX_NAME
from photoseek.gallery.filters import Filter
from photoseek.page.bundle_form import RERANK, SEARCH, SHORT
from photoseek.page.describe_view import PHOTO as DESCRIBED
from photoseek.page.exposure import is_shared, operators_gallery
from photoseek.page.filter_state import BY_NAME, NAME_CHOICES, NAMES, PREFIX, SESSION_NAMES, renew_fields
from photoseek.page.paging import AT, LIKENESS, MAX_K, NEXT_PAGE, ORDERS, PAGE, forget_question
from photoseek.page.recent_galleries import find_by_key, first_gallery, gallery_key
from photoseek.page.search_form import MAX_TEXT, Upload
from photoseek.page.selection import ALBUM
from photoseek.page.sidebar import GALLERY
from photoseek.page.similar import forget_origins
from photoseek.page.strings import KEY
from photoseek.system.filenames import decode_filename

VIEWS = ("describe", "albums", "duplicates")
"""Tabs that the URL names; without one, it is the search."""

ERRORS = "link-errors"
"""Name in the session of what is wrong with the values of the URL, each with the name of the value."""

_OPENED = "opened-gallery"  # in the session: key of the gallery that it shows
_STEP = "step"  # in the session: what ``_step`` returns for the URL that it shows
_UPLOADS = "uploads"  # in the session: the photos that belong to a URL
_MAX_UPLOADS = 4
_MAX_PATH = 4096
_PARSERS: dict[str, Callable[[str], Any]] = {"min_megapixels": float, "max_megapixels": float}


def follow_history() -> None:
    """Discard the query, tab and gallery of the session if the visitor went back or forward, so that the URL counts.

    Closing the viewer is a step back to the same URL, and changes nothing.
    """
    context, state, wanted = get_script_run_ctx(), st.session_state, _step(st.query_params.to_dict())
    if context is None or not context.is_history_navigation or state.get(_STEP) == wanted:
        return
    _forget()
    for name in (KEY, GALLERY, _OPENED):
        state.pop(name, None)
    state["view"] = "find"  # unless the URL has another one
    state.update(state.get(_UPLOADS, {}).get(wanted, {}))


def read_url() -> None:
    """Initialize the session from the URL; invalid values are ignored, and listed in the session under ``ERRORS``."""
    _read(st.query_params.to_dict())


def begin_gallery(folder: str) -> None:
    """Begin without a query and filters if the session has shown another gallery before.

    Args:
        folder: Folder of the gallery that is shown.
    """
    state, key = st.session_state, gallery_key(folder)
    if state.setdefault(_OPENED, key) != key:
        _forget()
        forget_origins()
        state.update({_OPENED: key, "view": "find"})
        _read({})


def home_url() -> str:
    """Return the URL of the page without a query, in the same gallery and language."""
    return f"?{urlencode({name: st.query_params[name] for name in (GALLERY, KEY) if name in st.query_params})}"


def write_url() -> None:
    """Update the URL from the session."""
    state, query = st.session_state, _query(st.session_state["k"])
    context = get_script_run_ctx()
    # An earlier run may have changed the URL after the visitor went back.
    if query != st.query_params.to_dict() or (context is not None and context.is_history_navigation):
        st.query_params.from_dict(query)
    state[_STEP] = _step(query)
    state[NEXT_PAGE] = urlencode(_query(state["k"] + PAGE))
    _keep_uploads(state[_STEP])


def _keep_uploads(step: frozenset[tuple[str, str]]) -> None:
    """Keep the uploaded photos of the latest steps in the session, since the URL does not contain them."""
    state = st.session_state
    kept = state.setdefault(_UPLOADS, {})
    kept.pop(step, None)
    uploads = {name: state.get(name) for name in ("photo", DESCRIBED) if isinstance(state.get(name), Upload)}
    if uploads:
        kept[step] = uploads
        while len(kept) > _MAX_UPLOADS:
            kept.pop(next(iter(kept)))


def _step(query: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Return the parameters of the URL in any order, without the number of photos."""
    return frozenset((name, value) for name, value in query.items() if name != "k")


def _read(given: Mapping[str, str]) -> None:
    state = st.session_state
    errors: list[str] = state.setdefault(ERRORS, [])
    state.setdefault("q", given.get("q", "")[:MAX_TEXT])
    if "k" not in state:
        state["k"] = _number_of_photos(given.get("k", ""), errors)
    if "sort" not in state:
        state["sort"] = _one_of("sort", ORDERS, given.get("sort", ""), errors) or LIKENESS
    _read_view(given, errors)
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


def _read_view(given: Mapping[str, str], errors: list[str]) -> None:
    """Initialize the tab with its album or photo, and the gallery."""
    state = st.session_state
    if ALBUM not in state:
        state[ALBUM] = given.get(ALBUM, "")[:MAX_NAME] or None
        if view := "albums" if state[ALBUM] else _one_of("view", VIEWS, given.get("view", ""), errors):
            state["view"] = view
    if DESCRIBED not in state:
        state[DESCRIBED] = given.get(DESCRIBED, "")[:_MAX_PATH] or None
    if GALLERY not in state and not is_shared():
        key = given.get(GALLERY, "")
        folder = find_by_key(key) if key else None
        if key and folder is None:
            errors.append(f"{GALLERY}: expected a gallery that was opened on this computer, found {_short(key)}")
        state[GALLERY] = decode_filename(folder) if folder else first_gallery()


def _forget() -> None:
    """Remove the query, the filters, and what the tabs show."""
    state = st.session_state
    names = ("q", "k", "sort", "similar_to", "photo", AT, ALBUM, DESCRIBED, SEARCH, RERANK, ERRORS)
    for name in (*names, *SESSION_NAMES):
        state.pop(name, None)
    renew_fields()
    forget_question()


def _query(k: int) -> dict[str, str]:
    """Return the parameters of the URL, with this number of photos."""
    state, tab = st.session_state, st.session_state.get("tab")
    album, described = state.get(ALBUM), state.get(DESCRIBED)
    values = {
        "q": state["q"].strip(),
        "k": k if k != PAGE else None,
        "sort": state["sort"] if state["sort"] != LIKENESS else None,
        "similar_to": state["similar_to"],
        **{name: state.get(PREFIX + name) for name in (*NAMES, BY_NAME)},
        AT: state[AT],
        SEARCH: state.get(SEARCH),
        RERANK: state.get(RERANK),
        "view": tab if tab in VIEWS and not (tab == "albums" and album) else None,
        ALBUM: album if tab == "albums" else None,
        DESCRIBED: described if tab == "describe" and isinstance(described, str) else None,
        GALLERY: _chosen_gallery(),
        KEY: state.get(KEY),
    }
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items() if value}


def _chosen_gallery() -> str | None:
    """Return the key of the gallery that is shown, unless it is the one that the page was started with."""
    opened = st.session_state.get(_OPENED)
    ours = operators_gallery()
    return None if is_shared() or (ours and opened == gallery_key(ours)) else opened


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
