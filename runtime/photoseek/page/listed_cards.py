"""Cards of photos that no search has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from photoseek.gallery.listing import ListedPhoto
from photoseek.page import components, results
from photoseek.page.exposure import is_shared
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.photo_files import is_missing
from photoseek.page.selection import selection_data
from photoseek.page.strings import strings
from photoseek.system.filenames import decode_filename

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
    state = st.session_state
    if state.setdefault(_SHOWN, (key, PAGE))[0] != key:
        state[_SHOWN] = key, PAGE
    count = state[_SHOWN][1]
    data = {
        "cards": [listed_card(photo, opened) for photo in photos[:count]],
        "texts": results.card_texts(),
        "more": strings().show_more if len(photos) > count else None,
        "selection": selection_data(opened.files, album),
    }
    components.render_component("cards", "cards", data, chosen=results.choose, more=_show_more, reload=results.reload)


def _show_more() -> None:
    key, count = st.session_state[_SHOWN]
    st.session_state[_SHOWN] = key, count + PAGE


def listed_card(photo: ListedPhoto, opened: OpenGallery) -> dict[str, Any]:
    """Return what the card and the viewer show of a photo."""
    now = strings()
    size = f"{photo.width} × {photo.height} ({photo.width * photo.height / 1e6:.1f} MP)"
    facts = [(now.taken, photo.taken), (now.size, size), (now.file, photo.path)]
    return {
        "path": photo.path,
        "base": None if is_missing(photo.file) else opened.files.folder(photo.id),
        "width": photo.width,
        "height": photo.height,
        "file": None if is_shared() else decode_filename(str(photo.file)),
        "date": (photo.taken or "")[:10],
        **({"incomplete": now.incomplete} if photo.incomplete else {}),
        "facts": [(name, value) for name, value in facts if value],
        "captions": list(opened.searcher.gallery.sentences.of_photo(photo.path)),
        "duplicates": [],
    }
