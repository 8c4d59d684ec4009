"""What is searched for: a text, a photo, a photo of the gallery, how many."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import streamlit as st

from photoseek.demo.gallery import picture_names
from photoseek.gallery.snapshot.sample_queries import demo_queries, sample_queries
from photoseek.page import components
from photoseek.page.strings import strings
from photoseek.photos.formats import SUFFIXES
from photoseek.search.searcher import Searcher

MAX_K = 50
DEFAULT_K = 12
MAX_TEXT = 500
"""Characters: more than a tower reads, and little enough for an address."""

_CHOICES = (5, 12, 24, MAX_K)
_MAX_BYTES = 20_000_000  # of a pasted picture; as server.maxUploadSize
_MAX_EXAMPLES = 4


@dataclass(frozen=True)
class Upload:
    """A photo that was uploaded or pasted."""

    name: str
    data: bytes


@dataclass(frozen=True)
class SearchForm:
    """What is searched for; ``similar_to`` is the path of a photo of the gallery."""

    text: str
    photo: Upload | None
    similar_to: str | None
    k: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.text and self.photo is None and self.similar_to is None


def render_search_form() -> None:
    """Draw the text, the number, the photo and the help, in one row; Enter searches."""
    now = strings()
    st.text_input(
        now.ask,
        **_field("q"),
        placeholder=now.placeholder,
        max_chars=MAX_TEXT,
        label_visibility="collapsed",
        icon=":material/search:",
    )
    st.selectbox(
        now.how_many,
        sorted({*_CHOICES, int(st.session_state["k"])}),
        **_field("k"),
        format_func=lambda count: now.top.format(k=count),
        label_visibility="collapsed",
        filter_mode=None,
        width=104,
    )
    with st.popover(now.photo, icon=":material/add_photo_alternate:"):
        choose_upload(now.photo, "photo", now.photo_hint)
    components.register_component("paste", "paste", {"limit": _MAX_BYTES}, pasted=_take_pasted)


def query_help() -> None:
    """Draw a button that unfolds how queries are written."""
    with st.popover(strings().help, icon=":material/help:", type="tertiary", key="help"):
        st.markdown(strings().grammar)


def form_values() -> SearchForm:
    """What the session asks for now."""
    state = st.session_state
    return SearchForm(state["q"].strip(), state.get("photo"), state.get("similar_to"), int(state["k"]))


def choose_upload(label: str, key: str, hint: str | None = None) -> None:
    """Draw a field for a file; the photo is kept in the session under ``key``, and the field is empty again."""
    field = f"{key}-field-{st.session_state.setdefault(f'{key}-turn', 0)}"
    endings = sorted(suffix.removeprefix(".") for suffix in SUFFIXES)
    st.file_uploader(label, endings, key=field, on_change=_take_upload, args=(key, field), label_visibility="collapsed")
    if hint:
        st.html(f'<p class="ps-hint">{hint}</p>')


def example_queries(searcher: Searcher) -> None:
    """Draw a button for each example, in the language of the page where the bundle reads it; it fills in the text.

    A gallery with pictures of the demo has examples that those show.
    """
    now = strings()
    language = now.code if now.code in searcher.bundle.languages else "en"
    drawn = any(map(searcher.is_searchable, picture_names()[:_MAX_EXAMPLES]))
    examples = demo_queries(language) if drawn else sample_queries([language])
    st.html(f'<p class="ps-hint">{now.try_one}</p>')
    with st.container(horizontal=True, key="ps-examples"):
        for example in examples[:_MAX_EXAMPLES]:
            st.button(example, on_click=set_form, args=(example,))


def set_form(text: str) -> None:
    """Make a text the query."""
    st.session_state["q"] = text


def _field(name: str) -> dict[str, Any]:
    """Key and callback of a field whose value is kept apart: a field loses what it holds while it is not drawn."""
    field, value = f"{name}-field", st.session_state[name]
    if st.session_state.get(field) != value:
        st.session_state[field] = value
    return {"key": field, "on_change": _take, "args": (name, field)}


def _take(name: str, field: str) -> None:
    st.session_state[name] = st.session_state[field]


def _take_upload(key: str, field: str) -> None:
    upload = st.session_state.get(field)
    if upload is not None:
        st.session_state[key] = Upload(upload.name, upload.getvalue())
        st.session_state[f"{key}-turn"] += 1


def _take_pasted() -> None:
    """What the browser sends is checked: it may come from anything that speaks to the page."""
    told = components.component_value("paste", "pasted")
    try:
        name, data = str(told["name"]), b64decode(told["data"], validate=True)
    except (TypeError, KeyError, ValueError):
        return
    if len(data) <= _MAX_BYTES:
        key = "described" if st.session_state.get("describing") else "photo"
        st.session_state[key] = Upload(name, data)
