"""What the grid needs to act on selected photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from photoseek.page.photo_files import PhotoFiles
from photoseek.page.photo_zip import MAX_PHOTOS
from photoseek.page.strings import strings

MOST_FOUND = 10_000
"""Maximum number of photos that are selected without being shown."""

ALBUM = "album"
"""Name of the album that is shown, in the session and in the page's URL."""

_WANTED, _TURN = "select-found", "select-found-turn"
_UNDO = "undo-album"


@dataclass(frozen=True)
class Found:
    """All photos of an answer of which the page shows the first ones.

    Attributes:
        ids: Returns their ids.
        count: How many there are; None: unknown before they are searched for.
    """

    ids: Callable[[], Sequence[int]]
    count: int | None = None


def select_found() -> None:
    """Send the ids of all photos of the answer to the grid, which selects them."""
    st.session_state[_WANTED] = True


def _found_data(found: Found | None) -> dict[str, Any] | None:
    """Return the label of the button that selects all photos of an answer and, after a click, their ids."""
    wanted = st.session_state.pop(_WANTED, False)
    if found is None or (found.count or 0) > MOST_FOUND:
        return None
    now = strings()
    label = now.select_found if found.count is None else now.select_all.format(count=f"{found.count:,}")
    if not wanted:
        return {"label": label}
    turn = st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    return {"label": label, "ids": list(found.ids()), "turn": turn}


def offer_undo(token: str, text: str) -> None:
    """Say below the photos that an album has changed, and offer for some seconds to undo it."""
    st.session_state[_UNDO] = {"token": token, "text": text}


def selection_data(files: PhotoFiles, album: str | None = None, found: Found | None = None) -> dict[str, Any]:
    """Return the URL to which actions are sent, the maximum number of photos, and the texts.

    Args:
        files: The photos of the gallery.
        album: Name of the album that is shown, from which photos can be removed.
        found: All photos of the answer, if more than those that are shown.
    """
    now = strings()
    texts = {
        "select_photo": now.select_photo,
        "selection": now.selection,
        "one_selected": now.one_selected,
        "selected": now.selected,
        "not_shown": now.not_shown,
        "select_all": now.select_all,
        "clear_selection": now.clear_selection,
        "download": now.download,
        "copy_paths": now.copy_paths,
        "copied": now.copied,
        "not_copied": now.not_copied,
        "too_many": now.too_many.format(count=f"{MAX_PHOTOS:,}"),
        "action_failed": now.action_failed,
        "close": now.close,
        **album_texts(),
    }
    available = files.albums is not None
    return {
        "folder": files.root,
        "limit": MAX_PHOTOS,
        "albums": available,
        "album": album,
        "found": _found_data(found),
        "undo": st.session_state.pop(_UNDO, None),
        "texts": texts,
    }


def album_texts() -> dict[str, str]:
    """Return the texts of hearts and of the dialog that adds photos to an album."""
    now = strings()
    return {
        "favorite": now.favorite,
        "favorite_photo": now.favorite_photo,
        "add_to_album": now.add_to_album,
        "remove_from_album": now.remove_from_album,
        "create_album": now.create_album,
        "new_album": now.new_album,
        "added": now.added,
        "nothing_added": now.nothing_added,
        "removed": now.removed,
        "undo": now.undo,
    }
