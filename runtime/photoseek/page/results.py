"""What was found: a line about the search, and a card for each photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from photoseek.errors import PhotoError
from photoseek.gallery.thumbnails import data_uri
from photoseek.page import components, messages
from photoseek.page.exposure import public
from photoseek.page.strings import strings
from photoseek.page.thumbnail_cache import Pictures
from photoseek.search.hits import Hit

MAX_DUPLICATES = 24
"""Near-duplicates that are shown behind one photo."""


@dataclass(frozen=True)
class SearchView:
    """How a search was done.

    Attributes:
        searched: Photos among which was searched.
        filtered: Whether some of them could not be found.
        engine: What found the nearest.
        precision: Of the towers that read the query; empty where none had to.
        encode_s: Seconds in which the query was encoded.
        search_s: Seconds in which the nearest were found.
        second: The bundle that looked at the first hits; empty where none did.
    """

    searched: int
    filtered: bool
    engine: str
    precision: str
    encode_s: float
    search_s: float
    second: str = ""


def show(hits: Sequence[Hit], search: SearchView, pictures: Pictures) -> None:
    """Draw all of it; hits that are most likely none are folded away."""
    _tell(hits, search)
    if not hits:
        messages.no_results()
    elif hits[0].low_confidence:
        messages.low_confidence()
        with st.expander(strings().show_anyway):
            _show_cards(hits, pictures)
    else:
        _show_cards(hits, pictures)


def in_order(hits: Sequence[Hit]) -> list[Hit]:
    """Every photo that is shown, those alike after theirs."""
    return [shown for hit in hits for shown in (hit, *hit.duplicates[:MAX_DUPLICATES])]


def confidence_of(hit: Hit) -> str:
    """In percent, with a sign for the ends; empty where nothing is known of it."""
    if hit.confidence is None:
        return ""
    percent = round(100 * hit.confidence)
    return "> 99 %" if percent > 99 else "< 1 %" if percent < 1 else f"{percent} %"


def _tell(hits: Sequence[Hit], search: SearchView) -> None:
    now = strings()
    found = (now.found_where if search.filtered else now.found if len(hits) > 1 else now.found_one).format(
        count=f"{len(hits):,}"
    )
    facts = [
        found if hits and not hits[0].low_confidence else "",
        now.searched.format(count=f"{search.searched:,}"),
        " · ".join(filter(None, [search.precision, search.engine])),
        now.encode_time.format(ms=_ms(search.encode_s)),
        now.search_time.format(ms=_ms(search.search_s)),
        now.looked_again.format(bundle=search.second) if search.second else "",
    ]
    spans = "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
    st.html(f'<p class="ps-found" role="status">{spans}</p>')


def _ms(seconds: float) -> str:
    ms = seconds * 1e3
    return f"{ms:.1f}" if ms < 10 else f"{ms:.0f}"


def _show_cards(hits: Sequence[Hit], pictures: Pictures) -> None:
    now, shown = strings(), in_order(hits)
    made = dict(zip((hit.id for hit in shown), pictures.thumbnails([hit.file for hit in shown]), strict=True))
    cards = [
        {
            **_card(hit, made[hit.id]),
            "more": now.duplicates.format(count=len(hit.duplicates)),
            "duplicates": [_card(other, made[other.id]) for other in hit.duplicates[:MAX_DUPLICATES]],
        }
        for hit in hits
    ]
    texts = {"open": now.open, "confidence": now.confidence, "cosine": now.cosine, "fewer": now.fewer}
    components.register_component("cards", "cards", {"cards": cards, "words": texts}, opened=_open)


def _card(hit: Hit, picture: bytes | PhotoError) -> dict[str, Any]:
    card = {"path": hit.path, "rank": str(hit.rank), "score": f"{hit.score:.3f}", "confidence": confidence_of(hit)}
    if not isinstance(picture, PhotoError):
        return {**card, "picture": data_uri(picture)}
    return {**card, "note": missing_reason(hit, picture)}


def missing_reason(hit: Hit, error: PhotoError) -> str:
    """What is said in place of a photo."""
    gone = isinstance(hit.file, Path) and not hit.file.exists()
    return strings().gone if gone else strings().unshowable.format(reason=public(str(error)))


def _open() -> None:
    path = components.component_value("cards", "opened")
    st.session_state["opened"] = path if isinstance(path, str) else None
