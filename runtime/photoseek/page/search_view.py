"""Run the query of the page, time it, and draw the results."""

from __future__ import annotations

import time
from contextlib import nullcontext

import streamlit as st

from photoseek.encoders.query_syntax import parse_query
from photoseek.errors import PhotoError, QueryError
from photoseek.gallery.database.typed_names import with_known_folder
from photoseek.gallery.filters import Filter
from photoseek.page import filter_form, messages, paging, results
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.search_form import SearchForm
from photoseek.page.strings import strings
from photoseek.search.hits import Hit
from photoseek.search.searcher import Searcher


def render_results(opened: OpenGallery, query: SearchForm, state: GalleryState) -> None:
    """Search, and draw the hits or the error."""
    try:
        where = with_known_folder(opened.searcher.gallery.database, filter_form.current_filter())
    except QueryError as error:
        messages.filter_error(str(error))
        return
    try:
        hits, facts, more = _search(opened, query, where, state)
    except PhotoError as error:
        messages.photo_error(str(error))
    except QueryError as error:
        messages.query_error(str(error))
    else:
        results.render_hits(hits, facts, opened, more=more)


def _search(
    opened: OpenGallery, query: SearchForm, where: Filter, state: GalleryState
) -> tuple[list[Hit], list[str], bool]:
    """Return the hits, details of the search, which may be empty, and whether there are more hits."""
    searcher, backend, now = opened.searcher, opened.backend, strings()
    photo, k = query.photo.data if query.photo else None, int(st.session_state["k"])
    with nullcontext() if backend.is_loaded_for(query.text, photo) else st.spinner(""):  # loading a tower takes a while
        started = time.perf_counter()
        names = filter_form.current_names() if query.text else "never"
        vectors = backend.query(query.text or None, photo=photo, similar_to=query.similar_to, names=names)
        encoded = time.perf_counter()
        hits = backend.nearest(vectors, k + 1, where=where, group_duplicates=True)
        found = time.perf_counter()
    hits, more = paging.in_order(hits[:k]), len(hits) > k
    engine = "exact" if not where.empty else searcher.snapshot.manifest.tuning.fastest
    facts = [
        _number_of(hits, filtered=not where.empty),
        _subtracted(query.text),
        now.searched.format(count=f"{state.status.searchable:,}"),
        " · ".join(filter(None, [_precision(searcher, query), engine])),
        now.encode_time.format(ms=_ms(encoded - started)),
        now.search_time.format(ms=_ms(found - encoded)),
        "" if opened.reranker is None else now.reranked.format(bundle=opened.reranker.bundle.name),
    ]
    return hits, facts, more


def _number_of(hits: list[Hit], *, filtered: bool) -> str:
    if not hits or results.are_doubtful(hits):
        return ""
    now = strings()
    by_date = st.session_state["sort"] == paging.DATE
    several = now.found_by_date if by_date else now.found
    matching = now.found_filtered_by_date if by_date else now.found_filtered
    text = matching if filtered else several if len(hits) > 1 else now.found_one
    return text.format(count=f"{len(hits):,}")


def _subtracted(text: str) -> str:
    """Return which words of a query are subtracted, since they may come from "without" or a dash."""
    words = [term.text for term in parse_query(text) if term.weight < 0]
    now = strings()
    return now.subtracted.format(words=now.list_separator.join(words)) if words else ""


def _ms(seconds: float) -> str:
    ms = seconds * 1e3
    return f"{ms:.1f}" if ms < 10 else f"{ms:.0f}"


def _precision(searcher: Searcher, query: SearchForm) -> str:
    """Return the precision of the towers that encode the query."""
    text = searcher.text_encoder.precision if query.text else ""
    image = searcher.image_encoder.precision if query.photo else ""
    return " + ".join(dict.fromkeys(filter(None, (text, image))))
