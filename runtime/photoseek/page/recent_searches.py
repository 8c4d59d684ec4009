"""Recent searches, which each browser keeps for itself."""

from __future__ import annotations

import hashlib

import streamlit as st

from photoseek.page import components
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.search_form import MAX_TEXT
from photoseek.page.strings import strings

_KEY = "recent-searches"


def render_recent_searches(opened: OpenGallery) -> None:
    """Draw the recent searches of this browser in this gallery; each can be repeated or removed."""
    now = strings()
    texts = {"title": now.recent_searches, "search": now.search_again, "remove": now.remove, "clear": now.forget}
    components.render_component("recent", _KEY, {"store": _store(opened), "texts": texts}, chosen=_choose)


def record_search(opened: OpenGallery, text: str) -> None:
    """Add a text to the recent searches of this browser."""
    components.render_component("recent", "record-search", {"store": _store(opened), "text": text})


def _store(opened: OpenGallery) -> str:
    """Return the name under which the browser keeps the searches of a gallery, without any property of the gallery."""
    return hashlib.sha256(opened.searcher.snapshot.manifest.gallery.encode()).hexdigest()[:16]


def _choose() -> None:
    """Repeat a search; any program can send this event."""
    chosen = components.component_value(_KEY, "chosen")
    if isinstance(chosen, str):
        st.session_state["q"] = chosen[:MAX_TEXT]
