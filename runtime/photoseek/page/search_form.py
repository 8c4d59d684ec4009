"""Fields of a query: text and photo."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

import streamlit as st

from photoseek.demo.gallery import picture_names
from photoseek.page import components, messages
from photoseek.page.filter_state import clear_filters
from photoseek.page.paging import AT
from photoseek.page.strings import strings
from photoseek.photos.formats import photo_suffixes
from photoseek.search.searcher import Searcher

MAX_TEXT = 500
"""Maximum length of a query in characters: more than a tower reads, and short enough for a URL."""

_MAX_BYTES = 20_000_000  # of a pasted or dropped picture; the same as server.maxUploadSize
_PICTURES = 4  # of the demo that are looked for


@dataclass(frozen=True)
class Upload:
    """A photo that was uploaded or pasted."""

    name: str
    data: bytes


@dataclass(frozen=True)
class SearchForm:
    """A query; ``similar_to`` is the path of a photo in the gallery."""

    text: str
    photo: Upload | None
    similar_to: str | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.text and self.photo is None and self.similar_to is None


def render_search_form() -> None:
    """Draw the text and the photo in one row; Enter searches."""
    now, state = strings(), st.session_state
    st.text_input(
        now.ask,
        state["q"],
        **components.field_options("q", state["q"]),
        placeholder=now.placeholder,
        max_chars=MAX_TEXT,
        label_visibility="collapsed",
        icon=":material/search:",
    )
    with st.popover(now.photo, icon=":material/add_photo_alternate:", key=components.popover_key("photo")):
        render_upload(now.photo, "photo")
        messages.hint(now.photo_hint)
    drop = now.drop_to_describe if state.get("describing") else now.drop_to_search
    incoming = {"limit": _MAX_BYTES, "suffixes": sorted(photo_suffixes()), "drop": drop}
    components.render_component("paste", "paste", incoming, pasted=store_pasted, refused=_explain_refusal)


def render_keys() -> None:
    """Draw a button that lists the keys, and listen to those that work anywhere on the page."""
    now = strings()
    titles = {"title": now.keys, "in_viewer": now.keys_in_viewer, "close": now.close}
    lists = {"page": _key_list(now.key_list), "viewer": _key_list(now.viewer_key_list)}
    components.render_component("keys", "keys", titles | lists)


def _key_list(text: str) -> list[list[str]]:
    """Return each key with its meaning."""
    return [line.split(" = ", 1) for line in text.splitlines()]


def render_query_help() -> None:
    """Draw a button that opens the query syntax."""
    with st.popover(strings().help, icon=":material/help:", type="tertiary", key=components.popover_key("help")):
        st.markdown(strings().grammar)


def form_values() -> SearchForm:
    """Return the current query of the session."""
    state = st.session_state
    return SearchForm(state["q"].strip(), state.get("photo"), state.get("similar_to"))


def render_upload(label: str, key: str) -> None:
    """Draw a field for a file; the photo is stored in the session under ``key``, and the field is empty again."""
    field = f"{key}-field-{st.session_state.setdefault(f'{key}-turn', 0)}"
    endings = sorted(suffix.removeprefix(".") for suffix in photo_suffixes())
    st.file_uploader(
        label, endings, key=field, on_change=_store_upload, args=(key, field), label_visibility="collapsed"
    )


def has_demo_photos(searcher: Searcher) -> bool:
    """Return whether a gallery has pictures of the demo."""
    return any(map(searcher.is_searchable, picture_names()[:_PICTURES]))


def _store_upload(key: str, field: str) -> None:
    upload = st.session_state.get(field)
    if upload is not None:
        _set_photo(key, Upload(upload.name, upload.getvalue()))
        st.session_state[f"{key}-turn"] += 1
        components.close_popovers()


def _set_photo(key: str, photo: Upload) -> None:
    """Store a photo; as a query it replaces text, photo and filters of the last one."""
    if key == "photo":
        start_over()
    st.session_state[key] = photo


def start_over() -> None:
    """Remove the query and all filters, so that the page shows the gallery."""
    clear_filters()
    st.session_state.update({"q": "", "photo": None, "similar_to": None, AT: None, "view": "find"})


def _explain_refusal() -> None:
    """Say why a pasted or dropped file is not searched with."""
    now, refused = strings(), components.component_value("paste", "refused")
    if isinstance(refused, dict):
        text = (
            now.too_large.format(size=_MAX_BYTES // 1_000_000) if refused.get("reason") == "size" else now.no_photo_file
        )
        st.toast(text, icon=":material/error:", duration="long")


def store_pasted() -> None:
    """Validate a pasted or dropped picture, since any program can send this event, and store it in the session."""
    pasted = components.component_value("paste", "pasted")
    try:
        name, data = str(pasted["name"]), b64decode(pasted["data"], validate=True)
    except (TypeError, KeyError, ValueError):
        return
    if len(data) <= _MAX_BYTES:
        key = "described" if st.session_state.get("describing") else "photo"
        _set_photo(key, Upload(name, data))
