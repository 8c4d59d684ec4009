"""The sidebar: which gallery, and what is in it."""

from __future__ import annotations

import os
from html import escape

import streamlit as st

from photoseek.gallery import GalleryStatus
from photoseek.page.launch import GALLERY_VARIABLE
from photoseek.page.resources import GalleryState

_LISTED = 200  # unreadable photos that are named


def choose_gallery() -> str:
    """Draw the field for the gallery's folder and return it; empty where none is named."""
    st.session_state.setdefault("gallery", os.environ.get(GALLERY_VARIABLE, ""))
    with st.sidebar:
        return st.text_input("Gallery folder", key="gallery", placeholder="/home/you/Photos").strip()


def tell(state: GalleryState) -> None:
    """Draw what is in the gallery."""
    with st.sidebar:
        facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(state.status))
        st.html(f'<dl class="ps-facts">{facts}</dl>')
        if not state.status.fresh and state.status.generation is not None:
            st.html('<p class="ps-hint">It has changed since it was last indexed to the end: index it again.</p>')
        if state.unreadable:
            _list_unreadable(state.unreadable)


def _facts(status: GalleryStatus) -> list[tuple[str, str]]:
    return [
        ("Photos", f"{status.photos:,}"),
        ("Searchable", f"{status.searchable:,}"),
        ("Unreadable", f"{status.unreadable:,}"),
        ("Recall@10", "not measured" if status.recall is None else f"{100 * status.recall:.1f} %"),
        ("Size", _size(status.bytes)),
        ("Bundle", status.bundle),
        ("Photo folder", status.photos_root),
    ]


def _list_unreadable(photos: list[tuple[str, str]]) -> None:
    with st.expander("Unreadable photos"):
        named = photos[:_LISTED]
        rows = (f"<li><bdi>{escape(path)}</bdi><small>{escape(reason)}</small></li>" for path, reason in named)
        more = f'<p class="ps-hint">and {len(photos) - _LISTED:,} more</p>' if len(photos) > _LISTED else ""
        st.html(f'<ul class="ps-unreadable">{"".join(rows)}</ul>{more}')


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
