"""Results: a summary of the search, and a card for each photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from photoseek.gallery.listing import ListedPhoto
from photoseek.page import components, describe_view, paging
from photoseek.page.filter_state import filter_values, set_filters
from photoseek.page.hit_facts import card_facts, copied_path, viewer_facts
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.photo_files import is_missing
from photoseek.page.search_form import SearchForm, form_values, start_over
from photoseek.page.selection import ALBUM, Found, album_texts, select_found, selection_data
from photoseek.page.similar import search_similar
from photoseek.page.strings import strings
from photoseek.search.hits import Hit

MAX_DUPLICATES = 24
"""Maximum number of near-duplicates shown with one photo."""


@dataclass(frozen=True)
class Facts:
    """A summary of what is shown, and details of the search that are folded away."""

    shown: Sequence[str]
    details: Sequence[str] = ()


def render_hits(
    hits: Sequence[Hit], facts: Facts, opened: OpenGallery, *, more: bool, found: Found | None = None
) -> None:
    """Draw a summary of the search and a card for each hit, those that probably do not match below a line.

    The arguments are those of ``render_cards``.
    """
    render_summary(facts, ordered=len(hits) > 1)
    if hits:
        likely, unlikely = split(hits)
        cards = [*_hit_cards(likely, opened), *_hit_cards(unlikely, opened, strings().less_likely)]
        render_cards(cards, opened, more=more, found=found)


def split(hits: Sequence[Hit]) -> tuple[list[Hit], list[Hit]]:
    """Return the hits that probably match, and those that probably do not, each in the given order."""
    return [hit for hit in hits if not hit.low_confidence], [hit for hit in hits if hit.low_confidence]


def render_summary(facts: Facts, *, ordered: bool = False) -> None:
    """Draw what was found, details that are folded away, actions on the query, and the choice of the order."""
    shown = "".join(f"<span>{escape(fact)}</span>" for fact in facts.shown if fact)
    folded = "".join(f"<span>{escape(fact)}</span>" for fact in facts.details if fact)
    details = f"<details><summary>{escape(strings().details)}</summary><p>{folded}</p></details>" if folded else ""
    with st.container(horizontal=True, key="ps-summary", vertical_alignment="center"):
        st.html(f'<div class="ps-found"><p role="status">{shown}</p>{details}</div>')
        query = form_values()
        if not query.empty or filter_values():
            _render_query_actions(query)
        if ordered:
            paging.render_order()


def _render_query_actions(query: SearchForm) -> None:
    """Draw buttons that remove the query with its filters, and copy its link, which never contains a photo."""
    now = strings()
    texts = {
        "clear_all": now.clear_all,
        "copy_link": now.copy_link,
        "copied": now.copied,
        "copied_local": now.copied_local,
        "not_copied": now.not_copied,
    }
    components.render_component("query", "query", {"texts": texts, "link": query.photo is None}, cleared=start_over)


def render_cards(
    cards: Sequence[dict[str, Any]],
    opened: OpenGallery,
    *,
    more: bool,
    at: str | None = None,
    found: Found | None = None,
) -> None:
    """Draw cards as ``photo_card`` returns them, with a button for more if there are more.

    Args:
        cards: The cards.
        opened: The gallery.
        more: Whether there are more photos.
        at: Path of a photo that is marked and scrolled into view.
        found: All photos of the answer, if more than the cards.
    """
    data = {
        "cards": cards,
        "texts": card_texts(),
        "more": strings().show_more if more else None,
        "next": st.session_state.get(paging.NEXT_PAGE),
        "selection": selection_data(opened.files, found=found),
        "at": at,
    }
    components.render_component(
        "cards", "cards", data, chosen=choose, more=paging.show_more, reload=reload, found=select_found
    )


def photo_card(photo: Hit | ListedPhoto, opened: OpenGallery) -> dict[str, Any]:
    """Return what the card and the viewer show of a photo."""
    return {
        "path": photo.path,
        "base": None if is_missing(photo.file) else opened.files.folder(photo.id),
        "width": photo.width,
        "height": photo.height,
        "file": copied_path(photo),
        **card_facts(photo),
        "facts": viewer_facts(photo),
        "captions": list(opened.searcher.gallery.sentences.of_photo(photo.path)),
        "duplicates": [],
    }


def _hit_cards(hits: Sequence[Hit], opened: OpenGallery, section: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the cards of hits; the first one has the heading of the section above it."""
    for number, hit in enumerate(hits):
        yield {
            **photo_card(hit, opened),
            "more": strings().duplicates.format(count=len(hit.duplicates)),
            "duplicates": [photo_card(other, opened) for other in hit.duplicates[:MAX_DUPLICATES]],
            **({"section": section} if section and number == 0 else {}),
        }


def card_texts() -> dict[str, str]:
    """Return the texts of cards and viewer."""
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
        "scale": now.scale,
        "full_screen": now.full_screen,
        "close": now.close,
        "more_like": now.more_like,
        "download": now.download,
        "copy_path": now.copy_path,
        "copied": now.copied,
        "not_copied": now.not_copied,
        "captions": now.captions,
        "describe": now.describe_it,
        "show_in_folder": now.show_in_folder,
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
        search_similar(path)
    elif isinstance(path, str) and action == "describe":
        describe_view.describe(path)
    elif isinstance(path, str) and action == "folder":
        _show_in_folder(path)


def _show_in_folder(path: str) -> None:
    """Show the photos in the folder of a photo, and this one among them."""
    start_over()
    set_filters(folder=path.rpartition("/")[0] or None)
    st.session_state[paging.AT] = path


def reload() -> None:
    """Draw the page again after an album has changed, and show this album."""
    name = components.component_value("cards", "reload")
    if isinstance(name, str):
        st.session_state[ALBUM] = name
