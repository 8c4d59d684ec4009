"""Run the query of the page, time it, and draw the results."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import streamlit as st

from photoseek.encoders.query_syntax import parse_query
from photoseek.encoders.unread_words import UnreadWords, unread_words
from photoseek.errors import PhotoError, QueryError
from photoseek.gallery.filters import Filter
from photoseek.page import messages, paging, results
from photoseek.page.filter_state import current_names
from photoseek.page.no_match import render_no_match
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.recent_searches import record_search
from photoseek.page.search_form import SearchForm
from photoseek.page.selection import MOST_FOUND, Found
from photoseek.page.strings import strings
from photoseek.search.backend import SearchBackend
from photoseek.search.hits import Hit
from photoseek.search.query import Query
from photoseek.search.searcher import Searcher


def render_results(opened: OpenGallery, query: SearchForm, where: Filter, state: GalleryState) -> None:
    """Search, and draw the hits or the error."""
    try:
        hits, facts, more, found = _search(opened, query, where, state)
    except PhotoError as error:
        messages.photo_error(str(error))
    except QueryError as error:
        messages.query_error(str(error))
    else:
        if query.text:
            record_search(opened, query.text)
        if hits:
            results.render_hits(hits, facts, opened, more=more, found=found)
        else:
            render_no_match(opened, where)


def _search(
    opened: OpenGallery, query: SearchForm, where: Filter, state: GalleryState
) -> tuple[list[Hit], results.Facts, bool, Found | None]:
    """Return the hits, a summary of the search, whether there are more hits, and all that probably match."""
    searcher, backend, now = opened.searcher, opened.backend, strings()
    photo, k = query.photo.data if query.photo else None, int(st.session_state["k"])
    with nullcontext() if backend.is_loaded_for(query.text, photo) else st.spinner(""):  # loading a tower takes a while
        started = time.perf_counter()
        names = current_names() if query.text else "never"
        vectors = backend.query(query.text or None, photo=photo, similar_to=query.similar_to, names=names)
        encoded = time.perf_counter()
        hits = backend.nearest(vectors, k + 1, where=where, group_duplicates=True)
        ended = time.perf_counter()
    hits, more = paging.in_order(hits[:k]), len(hits) > k
    engine = "exact" if not where.empty else searcher.snapshot.manifest.tuning.fastest
    details = (
        now.searched.format(count=f"{state.status.searchable:,}"),
        " · ".join(filter(None, [_precision(searcher, query), engine])),
        now.encode_time.format(ms=_ms(encoded - started)),
        now.search_time.format(ms=_ms(ended - encoded)),
        "" if opened.reranker is None else now.reranked.format(bundle=opened.reranker.bundle.name),
    )
    unread = unread_words(searcher.text_encoder, query.text) if query.text else UnreadWords()
    shown = [_number_of(hits, more=more), _subtracted(query.text), *_unread(unread, searcher.bundle.languages)]
    found = Found(lambda: _likely(backend, vectors, where)) if more and _likely_follow(hits) else None
    return hits, results.Facts(shown, details), more, found


def _likely_follow(hits: Sequence[Hit]) -> bool:
    """Return whether the photos that probably match end somewhere, but not among these."""
    return not any(hit.low_confidence for hit in hits) and any(hit.confidence is not None for hit in hits)


def _likely(backend: SearchBackend, query: Query, where: Filter) -> list[int]:
    """Return the ids of the photos that probably match a query, near-duplicates as well, best first."""
    return [hit.id for hit in backend.nearest(query, MOST_FOUND, where=where) if not hit.low_confidence]


def _number_of(hits: list[Hit], *, more: bool) -> str:
    """Return how many hits are above the line and how many below it; with a plus sign if there may be more."""
    now, (likely, unlikely) = strings(), results.split(hits)
    plus = "+" if more else ""
    if not unlikely:
        several = now.found_by_date if st.session_state["sort"] == paging.DATE else now.found
        return (several if len(likely) > 1 else now.found_one).format(count=f"{len(likely):,}{plus}")
    several = now.several_match.format(count=f"{len(likely):,}")
    matching = now.nothing_likely if not likely else now.one_matches if len(likely) == 1 else several
    others = now.and_one_less_likely if len(unlikely) == 1 and not more else now.and_less_likely
    return others.format(matching=matching, count=f"{len(unlikely):,}{plus}")


def _unread(words: UnreadWords, languages: Sequence[str]) -> Iterator[str]:
    """Yield which words count for nothing, and why."""
    now = strings()
    if words.unknown:
        yield now.unknown_words.format(words=now.list_separator.join(words.unknown))
    if words.foreign:
        names = {"en": now.english, "zh": now.chinese}
        read = now.list_separator.join(names.get(language, language) for language in languages)
        yield now.foreign_words.format(words=now.list_separator.join(words.foreign), languages=read)


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
