"""The search page as a whole."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import streamlit as st

from photoseek.errors import GalleryNotFound, PhotoError, PhotoseekError
from photoseek.page import notices, results, sidebar
from photoseek.page.query import Query, ask, offer_examples
from photoseek.page.resources import GalleryState, open_searcher, state_of
from photoseek.search import Searcher

_log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_HEADER = '<header class="ps-header"><h1>photoseek</h1><p>Find photos by what they show.</p></header>'


def draw() -> None:
    """Draw the page. No error leaves it as a traceback: what is unforeseen goes to the log."""
    st.set_page_config("photoseek", str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "style.css")
    st.html(_HEADER)
    try:
        _draw_search(sidebar.choose_gallery())
    except PhotoseekError as error:
        notices.problem(str(error))
    except Exception:
        _log.exception("the page could not be drawn")
        notices.problem("Something went wrong that was not foreseen; the log of the server says what.")


def _draw_search(folder: str) -> None:
    try:
        if not folder:
            raise GalleryNotFound("no gallery is named")
        searcher = open_searcher(folder)
    except GalleryNotFound:
        notices.no_gallery(folder)
        return
    state = state_of(searcher.gallery)
    sidebar.tell(state)
    if not state.status.searchable:
        notices.nothing_searchable(state.status, searcher.bundle.reference)
        return
    query = ask()
    if query.empty:
        notices.welcome(state.status)
        offer_examples(searcher.bundle)
    else:
        _answer(searcher, query, state)


def _answer(searcher: Searcher, query: Query, state: GalleryState) -> None:
    try:
        if query.photo is not None:
            results.show_query_photo(query.photo)
        with _patience(searcher, query):
            started = time.perf_counter()
            hits = searcher.search(query.text or None, photo=query.photo, k=query.k)
            seconds = time.perf_counter() - started
    except PhotoError as error:
        notices.broken_photo(str(error))
    else:
        results.show_hits(hits, query, state.status.searchable, seconds)


def _patience(searcher: Searcher, query: Query) -> AbstractContextManager[None]:
    """A sign of life while a tower is loaded, which is once; a query after that takes less than a blink."""
    read = not query.text or searcher.text_encoder.ready_for(query.text)
    seen = not query.photo or searcher.image_encoder.loaded
    return nullcontext() if read and seen else st.spinner("Loading the model")
