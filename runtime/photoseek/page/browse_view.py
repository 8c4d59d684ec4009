"""The page without a query: examples and recent searches, dates and folders, and the photos, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from photoseek.errors import QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.listing import ListedPhoto, listed_ids, newest_photos, position_of
from photoseek.gallery.overview import Overview, count_photos
from photoseek.gallery.snapshot.snapshot import Snapshot
from photoseek.page import paging, results
from photoseek.page.examples import render_examples
from photoseek.page.facets import render_facets
from photoseek.page.no_match import render_no_match
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.recent_searches import render_recent_searches
from photoseek.page.selection import Found
from photoseek.page.strings import date_label, strings

_PHOTOS_OF_A_MONTH = 8  # on average; with fewer, the headings are years


def render_browse(opened: OpenGallery, overview: Overview, where: Filter) -> None:
    """Draw the photos that match the filters, and without filters also what to search for.

    Args:
        opened: The gallery.
        overview: Its numbers of photos within the filters.
        where: Filters.
    """
    now, whole = strings(), count_photos(opened.searcher.snapshot.columns)
    if where.empty:
        st.html(f'<h2 class="ps-title">{now.welcome_title.format(count=f"{whole.photos:,}")}</h2>')
        render_examples(opened)
        render_recent_searches(opened)
    render_facets(overview, "facets")
    snapshot, gallery, at = opened.searcher.snapshot, opened.searcher.gallery, st.session_state[paging.AT]
    skipped, count = paging.shown_range(_position(opened, snapshot, at, where) if at else None)
    listing = newest_photos(gallery, snapshot, count, where, skip=skipped)
    if not listing.total:
        render_no_match(opened, where)
        return
    text = (now.listed if listing.total > 1 else now.found_one).format(count=f"{listing.total:,}")
    results.render_summary(results.Facts([text]))
    if skipped:
        paging.render_newer()
    cards = list(_cards(listing.photos, opened, whole))
    found = Found(lambda: listed_ids(snapshot, where), listing.total) if listing.total > len(cards) else None
    results.render_cards(cards, opened, more=listing.total > skipped + count, at=at, found=found)


def _position(opened: OpenGallery, snapshot: Snapshot, path: str, where: Filter) -> int | None:
    """Return the index of a photo among those that match the filters; None if it is not one of them."""
    try:
        photo, _ = opened.searcher.resolve_photo(path)
    except QueryError:
        return None
    return position_of(opened.searcher.gallery, snapshot, photo, where)


def _cards(photos: list[ListedPhoto], opened: OpenGallery, whole: Overview) -> Iterator[dict[str, Any]]:
    """Yield the cards of photos; the first one of each month or year has a heading above it."""
    dated = whole.photos - whole.undated
    length = 7 if dated >= _PHOTOS_OF_A_MONTH * len(whole.months) else 4
    before = None
    for photo in photos:
        period = (photo.taken or "")[:length]
        heading = date_label(period) if period else strings().no_date
        card = results.photo_card(photo, opened)
        yield card if period == before or not dated else {**card, "section": heading}
        before = period
