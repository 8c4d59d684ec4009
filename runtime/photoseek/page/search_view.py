"""A search from the page: the query encoded, the nearest found, both timed, and what came of it drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import streamlit as st

from photoseek.errors import PhotoError, QueryError
from photoseek.gallery.filters import Filter
from photoseek.page import filter_form, messages, photo_view, results
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.search_form import SearchForm
from photoseek.search.hits import Hit
from photoseek.search.searcher import Searcher


def answer(opened: OpenGallery, asked: SearchForm, state: GalleryState) -> None:
    """Search, and draw the hits or what kept them away."""
    try:
        where = filter_form.current_filter()
    except QueryError as error:
        messages.filter_error(str(error))
        return
    try:
        hits, search = _search(opened, asked, where, state)
    except PhotoError as error:
        messages.photo_error(str(error))
    except QueryError as error:
        messages.query_error(str(error))
    else:
        results.show(hits, search, opened.pictures)
        photo_view.show_opened(results.in_order(hits), opened.searcher.gallery, opened.pictures)


def _search(
    opened: OpenGallery, asked: SearchForm, where: Filter, state: GalleryState
) -> tuple[list[Hit], results.SearchView]:
    searcher, reranker = opened.searcher, opened.reranker
    with _patience(opened, asked):
        started = time.perf_counter()
        find = _encoded(opened, asked, where)
        encoded = time.perf_counter()
        hits = find()
        found = time.perf_counter()
    engine = "exact" if not where.empty else searcher.generation.manifest.tuning.fastest
    facts = (_precision(searcher, asked), encoded - started, found - encoded)
    second = "" if reranker is None else reranker.bundle.name
    return hits, results.SearchView(state.status.searchable, not where.empty, engine, *facts, second)


def _encoded(opened: OpenGallery, asked: SearchForm, where: Filter) -> Callable[[], list[Hit]]:
    """Encode the query; what is returned finds its hits."""
    text, photo = asked.text or None, asked.photo.data if asked.photo else None
    if opened.reranker is not None:
        both = opened.reranker.query(text, photo=photo, similar_to=asked.similar_to)
        return partial(opened.reranker.nearest, both, asked.k, where=where, group_duplicates=True)
    query = opened.searcher.query(text, photo=photo, similar_to=asked.similar_to)
    return partial(opened.searcher.nearest, query, asked.k, where=where, group_duplicates=True)


def _precision(searcher: Searcher, asked: SearchForm) -> str:
    """Of the towers that read the query."""
    text = searcher.text_encoder.precision if asked.text else ""
    image = searcher.image_encoder.precision if asked.photo else ""
    return " + ".join(dict.fromkeys(filter(None, (text, image))))


def _patience(opened: OpenGallery, asked: SearchForm) -> AbstractContextManager[None]:
    """Return a spinner for a query that has to load a tower; other queries are too fast to need one."""
    searcher, reranker = opened.searcher, opened.reranker
    read = not asked.text or searcher.text_encoder.is_loaded_for(asked.text)
    seen = not asked.photo or searcher.image_encoder.is_loaded
    looked = reranker is None or not asked.text or reranker.text_encoder.is_loaded_for(asked.text)
    return nullcontext() if read and seen and looked else st.spinner("")
