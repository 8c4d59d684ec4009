"""Cards of photos that no search has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from photoseek.gallery.listing import ListedPhoto
from photoseek.page import components, results
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.selection import Found, select_found, selection_data
from photoseek.page.strings import strings

PAGE = 100
"""Number of photos shown at first, and added by each *Show more*."""

_SHOWN = "listed"  # in the session: key and number of the photos


def render_listed(photos: Sequence[ListedPhoto], key: str, opened: OpenGallery, album: str | None = None) -> None:
    """Draw a grid of photos, the first ones at first, with a button for more.

    Args:
        photos: The photos.
        key: What is shown; another key begins again with the first photos.
        opened: The gallery.
        album: Name of the album that is shown, from which photos can be removed.
    """
    count = _count(key)
    cards = [results.photo_card(photo, opened) for photo in photos[:count]]
    found = Found(lambda: [photo.id for photo in photos], len(photos)) if len(photos) > count else None
    _render(cards, opened, album, found)


def _count(key: str) -> int:
    """Return how many photos or groups are shown."""
    state = st.session_state
    if state.setdefault(_SHOWN, (key, PAGE))[0] != key:
        state[_SHOWN] = key, PAGE
    return int(state[_SHOWN][1])


def _render(
    cards: list[dict[str, Any]],
    opened: OpenGallery,
    album: str | None = None,
    found: Found | None = None,
    *,
    more: bool = False,
) -> None:
    data = {
        "cards": cards,
        "texts": results.card_texts(),
        "more": strings().show_more if more or found else None,
        "selection": selection_data(opened.files, album, found),
    }
    events = {"chosen": results.choose, "more": _show_more, "reload": results.reload, "found": select_found}
    components.render_component("cards", "cards", data, **events)


def render_groups(
    groups: Sequence[Sequence[int]],
    find: Callable[[Sequence[int]], list[ListedPhoto]],
    key: str,
    opened: OpenGallery,
) -> None:
    """Draw groups of photos, all of them expanded.

    Args:
        groups: Ids of the photos of each group.
        find: Returns the photos with some ids that still exist.
        key: As for ``render_listed``.
        opened: The gallery.
    """
    count = _count(key)
    cards = []
    for group in groups[:count]:
        if shown := [results.photo_card(photo, opened) for photo in find(group)]:
            first, *others = shown
            more = strings().duplicates.format(count=len(others))
            heading = strings().group_size.format(count=len(shown))
            cards.append({**first, "section": heading, "more": more, "duplicates": others, "expanded": True})
    _render(cards, opened, more=len(groups) > count)


def _show_more() -> None:
    key, count = st.session_state[_SHOWN]
    st.session_state[_SHOWN] = key, count + PAGE
