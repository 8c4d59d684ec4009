"""Run the query of the page, time it, and draw the results."""

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


def render_results(opened: OpenGallery, query: SearchForm, state: GalleryState) -> None:
    """Search, and draw the hits or the error."""
    try:
        where = filter_form.current_filter()
    except QueryError as error:
        messages.filter_error(str(error))
        return
    try:
        hits, summary = _search(opened, query, where, state)
    except PhotoError as error:
        messages.photo_error(str(error))
    except QueryError as error:
        messages.query_error(str(error))
    else:
        results.render_hits(hits, summary, opened.thumbnails)
        photo_view.render_opened(results.with_duplicates(hits), opened.searcher.gallery, opened.thumbnails)


def _search(
    opened: OpenGallery, query: SearchForm, where: Filter, state: GalleryState
) -> tuple[list[Hit], results.SearchSummary]:
    searcher, reranker = opened.searcher, opened.reranker
    with _spinner(opened, query):
        started = time.perf_counter()
        find = _encode(opened, query, where)
        encoded = time.perf_counter()
        hits = find()
        found = time.perf_counter()
    engine = "exact" if not where.empty else searcher.generation.manifest.tuning.fastest
    return hits, results.SearchSummary(
        searched=state.status.searchable,
        filtered=not where.empty,
        engine=engine,
        precision=_precision(searcher, query),
        encode_s=encoded - started,
        search_s=found - encoded,
        reranked_by="" if reranker is None else reranker.bundle.name,
    )


def _encode(opened: OpenGallery, query: SearchForm, where: Filter) -> Callable[[], list[Hit]]:
    """Encode the query, and return a function that finds its hits."""
    text, photo = query.text or None, query.photo.data if query.photo else None
    if opened.reranker is not None:
        both = opened.reranker.query(text, photo=photo, similar_to=query.similar_to)
        return partial(opened.reranker.nearest, both, query.k, where=where, group_duplicates=True)
    vectors = opened.searcher.query(text, photo=photo, similar_to=query.similar_to)
    return partial(opened.searcher.nearest, vectors, query.k, where=where, group_duplicates=True)


def _precision(searcher: Searcher, query: SearchForm) -> str:
    """Return the precision of the towers that encode the query."""
    text = searcher.text_encoder.precision if query.text else ""
    image = searcher.image_encoder.precision if query.photo else ""
    return " + ".join(dict.fromkeys(filter(None, (text, image))))


def _spinner(opened: OpenGallery, query: SearchForm) -> AbstractContextManager[None]:
    """Return a spinner for a query that has to load a tower; other queries are too fast to need one."""
    searcher, reranker = opened.searcher, opened.reranker
    text = not query.text or searcher.text_encoder.is_loaded_for(query.text)
    image = not query.photo or searcher.image_encoder.is_loaded
    rerank = reranker is None or not query.text or reranker.text_encoder.is_loaded_for(query.text)
    return nullcontext() if text and image and rerank else st.spinner("")
