"""A search from the page: the query encoded, the nearest found, both timed, and what came of it drawn."""

from __future__ import annotations

import time
from contextlib import nullcontext

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
    searcher, backend = opened.searcher, opened.backend
    photo = asked.photo.data if asked.photo else None
    loaded = backend.is_loaded_for(asked.text, photo)
    with nullcontext() if loaded else st.spinner(""):  # other queries are too fast to need one
        started = time.perf_counter()
        query = backend.query(asked.text or None, photo=photo, similar_to=asked.similar_to)
        encoded = time.perf_counter()
        hits = backend.nearest(query, asked.k, where=where, group_duplicates=True)
        found = time.perf_counter()
    engine = "exact" if not where.empty else searcher.snapshot.manifest.tuning.fastest
    facts = (_precision(searcher, asked), encoded - started, found - encoded)
    second = "" if opened.reranker is None else opened.reranker.bundle.name
    return hits, results.SearchView(state.status.searchable, not where.empty, engine, *facts, second)


def _precision(searcher: Searcher, asked: SearchForm) -> str:
    """Of the towers that read the query."""
    text = searcher.text_encoder.precision if asked.text else ""
    image = searcher.image_encoder.precision if asked.photo else ""
    return " + ".join(dict.fromkeys(filter(None, (text, image))))
