"""Results: a summary of the search, and a card for each photo."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from photoseek.page import components, describe_view, messages, paging
from photoseek.page.hit_facts import card_facts, copied_path, viewer_facts
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.photo_files import is_missing
from photoseek.page.selection import album_texts, selection_data
from photoseek.page.strings import strings
from photoseek.search.hits import Hit

MAX_DUPLICATES = 24
"""Maximum number of near-duplicates shown with one photo."""


def render_hits(hits: Sequence[Hit], facts: Sequence[str], opened: OpenGallery, *, more: bool) -> None:
    """Draw details of the search and a card for each hit; hits that probably do not match are collapsed."""
    now = strings()
    spans = "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
    with st.container(horizontal=True, key="ps-summary", vertical_alignment="center"):
        st.html(f'<p class="ps-found" role="status">{spans}</p>')
        if len(hits) > 1:
            paging.render_order()
    if not hits:
        messages.notice(now.no_results_title, now.no_results)
    elif are_doubtful(hits):
        unread = _best(hits).from_unread_text
        title = now.unread_title if unread else now.low_confidence_title
        messages.notice(title, now.unread if unread else now.low_confidence)
        with st.expander(now.show_anyway):
            _render_cards(hits, opened, more=more)
    else:
        _render_cards(hits, opened, more=more)


def are_doubtful(hits: Sequence[Hit]) -> bool:
    """Return whether probably none of the hits matches, in whichever order they are."""
    return _best(hits).low_confidence


def _best(hits: Sequence[Hit]) -> Hit:
    return min(hits, key=lambda hit: hit.rank)


def _render_cards(hits: Sequence[Hit], opened: OpenGallery, *, more: bool) -> None:
    now, best = strings(), max(hit.score for hit in hits)
    cards = [
        {
            **_card(hit, best, opened),
            "more": now.duplicates.format(count=len(hit.duplicates)),
            "duplicates": [_card(other, best, opened) for other in hit.duplicates[:MAX_DUPLICATES]],
        }
        for hit in hits
    ]
    more_label = now.show_more if more else None
    data = {"cards": cards, "texts": card_texts(), "more": more_label, "selection": selection_data(opened.files)}
    components.render_component("cards", "cards", data, chosen=choose, more=paging.show_more, reload=reload)


def _card(hit: Hit, best: float, opened: OpenGallery) -> dict[str, Any]:
    return {
        "path": hit.path,
        "base": None if is_missing(hit.file) else opened.files.folder(hit.id),
        "width": hit.width,
        "height": hit.height,
        "file": copied_path(hit),
        **card_facts(hit, best),
        "facts": viewer_facts(hit),
        "captions": list(opened.searcher.gallery.sentences.of_photo(hit.path)),
    }


def card_texts() -> dict[str, str]:
    """Return the texts of cards and of the viewer."""
    now = strings()
    return {
        "open": now.open,
        "fewer": now.fewer,
        "missing": now.missing,
        "detail": now.detail,
        "position": now.position,
        "previous": now.previous,
        "next": now.next,
        "slideshow": now.slideshow,
        "own_size": now.own_size,
        "close": now.close,
        "more_like": now.more_like,
        "download": now.download,
        "copy_path": now.copy_path,
        "copied": now.copied,
        "not_copied": now.not_copied,
        "captions": now.captions,
        "describe": now.describe_it,
        "unreadable": now.unreadable_photo,
        "matched": now.matched_hint,
        "select": now.select,
        "select_photo": now.select_photo,
        **album_texts(),
    }


def choose() -> None:
    """Do what was chosen in the viewer; any program can send this event."""
    chosen = components.component_value("cards", "chosen")
    action, path = (chosen.get("action"), chosen.get("path")) if isinstance(chosen, dict) else (None, None)
    if isinstance(path, str) and action == "similar":
        st.session_state.update(similar_to=path, photo=None, q="", view="find")
    elif isinstance(path, str) and action == "describe":
        describe_view.describe(path)


def reload() -> None:
    """Draw the page again, after an album has changed."""
