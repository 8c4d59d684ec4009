"""The sidebar: gallery folder, recent galleries and status."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared, operators_gallery
from photoseek.page.folder_browser import render_browse_button, render_dialog
from photoseek.page.index_report import render_left_out, render_unreadable
from photoseek.page.left_out_view import count_left_out
from photoseek.page.messages import hint
from photoseek.page.open_galleries import GalleryState
from photoseek.page.recent_galleries import first_gallery, known_path, recent_galleries
from photoseek.page.strings import strings
from photoseek.system.filenames import encode_filename

GALLERY = "gallery"
"""Name of the gallery's folder in the session, and of its key in the page's URL."""


def choose_gallery() -> str:
    """Draw the field for the gallery's folder, with recent ones, and return the folder, which may be empty.

    If the page is shared, there is no field, and the folder is always the operator's.
    """
    if is_shared():
        return operators_gallery()
    now = strings()
    known = str(st.session_state.setdefault(GALLERY, first_gallery()))  # see components.field_options
    render_dialog()
    with st.sidebar:
        typed = str(st.text_input(now.gallery, known, key=GALLERY, placeholder="/home/you/Photos"))
        folder = encode_filename(typed.strip())
        render_browse_button(now.browse, "browse", "stretch")
        others = [other for other in recent_galleries() if other != known_path(folder)]
        if others:
            st.selectbox(
                now.recent,
                others,
                index=None,
                key="recent",
                placeholder=now.recent,
                format_func=_name_and_parent,
                on_change=_open_recent,
                label_visibility="collapsed",
            )
    return folder


def render_status(folder: str, state: GalleryState, bundle: str) -> None:
    """Draw the statistics of the gallery, its unreadable photos, and to its owner what was left out."""
    with st.sidebar:
        st.html(
            f'<details class="ps-details"><summary>{escape(strings().details)}</summary>'
            f'<dl class="ps-facts">{_list(_facts(state.status))}</dl></details>'
        )
        if not state.status.fresh and state.status.generation is not None:
            hint(strings().outdated)
        if state.unreadable:
            with st.expander(f"{strings().unreadable_photos} ({len(state.unreadable):,})"):
                render_unreadable(folder, bundle, state.unreadable, "sidebar", titled=False)
        left_out = count_left_out(*state.left_out)
        if left_out and not is_shared():
            with st.expander(f"{strings().left_out} ({left_out:,})"):
                render_left_out(*state.left_out, titled=False)


def _list(facts: list[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def _open_recent() -> None:
    if st.session_state["recent"] is not None:
        st.session_state[GALLERY] = st.session_state["recent"]
        st.session_state["recent"] = None


def _name_and_parent(folder: str) -> str:
    path = Path(folder)
    return f"{path.name}  ({path.parent})"


def _facts(status: GalleryStatus) -> list[tuple[str, str]]:
    now = strings()
    return [
        (now.photos, f"{status.photos:,}"),
        (now.searchable, f"{status.searchable:,}"),
        (now.unreadable, f"{status.unreadable:,}"),
        (now.caption_count, f"{status.captions:,}"),
        (now.recall, now.not_measured if status.recall is None else f"{100 * status.recall:.1f} %"),
        (now.bytes, _size(status.bytes)),
        (now.bundle, status.bundle),
        *([] if is_shared() else [(now.photo_folder, status.photos_root)]),
    ]


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
