"""Cards of photos that no search has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from photoseek.gallery.listing import ListedPhoto
from photoseek.page import components, results
from photoseek.page.hit_facts import copied_path
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.selection import Found, select_found, selection_data
from photoseek.page.strings import strings

PAGE = 100
"""Number of photos shown at first, and added by each *Show more*."""

_ALWAYS_SHOWN = 3  # photos of a group that cannot be folded away

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
    copies: dict[str, Any] | None = None,
) -> None:
    data = {
        "cards": cards,
        "texts": results.card_texts(),
        "more": strings().show_more if more or found else None,
        "selection": selection_data(opened.files, album, found),
        "copies": copies,
    }
    events = {"chosen": results.choose, "more": _show_more, "reload": results.reload, "found": select_found}
    components.render_component("cards", "cards", data, **events)


def render_groups(
    groups: Sequence[Sequence[int]],
    find: Callable[[Sequence[int]], list[ListedPhoto]],
    key: str,
    opened: OpenGallery,
) -> None:
    """Draw groups of photos, all of them expanded, and a button that selects all but the first photo of each.

    Args:
        groups: Ids of the photos of each group, the best one first.
        find: Returns the photos with some ids that still exist.
        key: As for ``render_listed``.
        opened: The gallery.
    """
    count, now = _count(key), strings()
    found = {photo.id: photo for photo in find([photo for group in groups for photo in group])}
    listed = [[found[photo] for photo in group if photo in found] for group in groups]
    cards = []
    for photos in filter(None, listed[:count]):
        first, *others = _compared(photos, opened)
        more = now.duplicates.format(count=len(others)) if len(photos) > _ALWAYS_SHOWN else ""
        heading = now.group_size.format(count=len(photos))
        cards.append({**first, "section": heading, "more": more, "duplicates": others, "expanded": True})
    smaller = [
        {"path": photo.path, "base": opened.files.folder(photo.id), "file": copied_path(photo)}
        for photos in listed
        for photo in photos[1:]
    ]
    copies = {"label": now.select_smaller.format(count=f"{len(smaller):,}"), "cards": smaller}
    _render(cards, opened, more=len(groups) > count, copies=copies if smaller else None)


def _compared(photos: Sequence[ListedPhoto], opened: OpenGallery) -> list[dict[str, Any]]:
    """Return the cards of a group, with the number of pixels of each, and its folder if they are in several."""
    now = strings()
    several = len({_folder(photo) for photo in photos}) > 1
    sizes = [photo.width * photo.height for photo in photos]
    cards = []
    for photo, size in zip(photos, sizes, strict=True):
        largest = now.largest if size == max(sizes) > min(sizes) else ""
        facts = (largest, f"{photo.width} × {photo.height}", _folder(photo) if several else "")
        cards.append({**results.photo_card(photo, opened), "detail": " · ".join(filter(None, facts))})
    return cards


def _folder(photo: ListedPhoto) -> str:
    return photo.path.rpartition("/")[0] or "/"


def _show_more() -> None:
    key, count = st.session_state[_SHOWN]
    st.session_state[_SHOWN] = key, count + PAGE
