"""Results: a summary of the search, and a card for each photo."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from photoseek.page import components, messages, paging
from photoseek.page.photo_files import PhotoFiles, is_missing
from photoseek.page.strings import strings
from photoseek.search.hits import Hit

MAX_DUPLICATES = 24
"""Maximum number of near-duplicates shown with one photo."""


def render_hits(hits: Sequence[Hit], facts: Sequence[str], files: PhotoFiles, *, more: bool) -> None:
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
            _render_cards(hits, files, more=more)
    else:
        _render_cards(hits, files, more=more)


def are_doubtful(hits: Sequence[Hit]) -> bool:
    """Return whether probably none of the hits matches, in whichever order they are."""
    return _best(hits).low_confidence


def _best(hits: Sequence[Hit]) -> Hit:
    return min(hits, key=lambda hit: hit.rank)


def with_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Return every shown photo, each followed by its near-duplicates."""
    return [shown for hit in hits for shown in (hit, *hit.duplicates[:MAX_DUPLICATES])]


def confidence_of(hit: Hit) -> str:
    """Return the confidence of a hit in percent, or an empty string if the bundle is not calibrated."""
    if hit.confidence is None:
        return ""
    percent = round(100 * hit.confidence)
    return "> 99 %" if percent > 99 else "< 1 %" if percent < 1 else f"{percent} %"


def matched_in(hit: Hit) -> str:
    """Return the field that contains the words of the query, or an empty string."""
    now = strings()
    fields = {"name": now.in_name, "title": now.in_title, "keyword": now.in_keyword, "folder": now.in_folder}
    return fields[hit.matched] if hit.matched else ""


def _render_cards(hits: Sequence[Hit], files: PhotoFiles, *, more: bool) -> None:
    now = strings()
    cards = [
        {
            **_card(hit, files),
            "more": now.duplicates.format(count=len(hit.duplicates)),
            "duplicates": [_card(other, files) for other in hit.duplicates[:MAX_DUPLICATES]],
        }
        for hit in hits
    ]
    texts = {
        "open": now.open,
        "confidence": now.confidence_hint,
        "score": now.score_hint,
        "fewer": now.fewer,
        "matched": now.matched_hint,
        "missing": now.missing,
        "unreadable": now.unreadable_photo,
    }
    data = {"cards": cards, "texts": texts, "more": now.show_more if more else None}
    components.render_component("cards", "cards", data, opened=_open, more=paging.show_more)


def _card(hit: Hit, files: PhotoFiles) -> dict[str, Any]:
    card = {"path": hit.path, "rank": str(hit.rank), "score": f"{hit.score:.3f}", "matched": matched_in(hit)}
    card["confidence"] = "" if hit.matched else confidence_of(hit)
    if hit.incomplete:
        card["incomplete"] = strings().incomplete
    return card if is_missing(hit.file) else {**card, "picture": files.url(hit.id, "card")}


def _open() -> None:
    path = components.component_value("cards", "opened")
    st.session_state["opened"] = path if isinstance(path, str) else None
