"""A search from the page: the query encoded, the nearest found, both timed, and what came of it drawn."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

import streamlit as st

from photoseek.errors import PhotoError, QueryError
from photoseek.filters import Filter
from photoseek.hits import Hit
from photoseek.page import conditions, detail, notices, results
from photoseek.page.query import Asked
from photoseek.page.resources import GalleryState, OpenGallery
from photoseek.search import Searcher


def answer(opened: OpenGallery, asked: Asked, state: GalleryState) -> None:
    """Search, and draw the hits or what kept them away."""
    try:
        where = conditions.conditions()
    except QueryError as error:
        notices.unclear_filter(str(error))
        return
    try:
        hits, search = _search(opened.searcher, asked, where, state)
    except PhotoError as error:
        notices.broken_photo(str(error))
    except QueryError as error:
        notices.unclear_query(str(error))
    else:
        results.show(hits, search, opened.pictures)
        detail.show_opened(results.in_order(hits), opened.searcher.gallery, opened.pictures)


def _search(searcher: Searcher, asked: Asked, where: Filter, state: GalleryState) -> tuple[list[Hit], results.Search]:
    with _patience(searcher, asked):
        started = time.perf_counter()
        photo = asked.photo.data if asked.photo else None
        query = searcher.query(asked.text or None, photo=photo, like=asked.like)
        encoded = time.perf_counter()
        hits = searcher.nearest(query, asked.k, where=where, fold=True)
        found = time.perf_counter()
    engine = "exact" if not where.empty else (state.status.search or {}).get("auto", "")
    precision = _precision(searcher, asked)
    times = (encoded - started, found - encoded)
    return hits, results.Search(state.status.searchable, not where.empty, engine, precision, *times)


def _precision(searcher: Searcher, asked: Asked) -> str:
    """Of the towers that read the query."""
    text = searcher.text_encoder.precision if asked.text else ""
    image = searcher.image_encoder.precision if asked.photo else ""
    return " + ".join(dict.fromkeys(filter(None, (text, image))))


def _patience(searcher: Searcher, asked: Asked) -> AbstractContextManager[None]:
    """A sign of life while a tower is loaded, which is once; a query after that takes less than a blink."""
    read = not asked.text or searcher.text_encoder.ready_for(asked.text)
    seen = not asked.photo or searcher.image_encoder.loaded
    return nullcontext() if read and seen else st.spinner("")
