"""From a photo to sentences: the captions of the gallery that describe it best."""

from __future__ import annotations

from html import escape

import streamlit as st

from photoseek.errors import PhotoError
from photoseek.gallery.thumbnails import data_uri, make_thumbnail
from photoseek.page import components, messages
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.search_form import Upload, choose_upload
from photoseek.page.strings import strings
from photoseek.page.thumbnail_cache import FULL_SIDE
from photoseek.search.hits import Sentence

SOURCE = "described"
"""In the session: the photo to describe, an ``Upload`` or the path of one in the gallery."""

_SENTENCES = 10


def take(path: str) -> None:
    """Have a photo of the gallery described, in the tab for that."""
    st.session_state.update({SOURCE: path, "opened": None, "view": "describe"})


def show(opened: OpenGallery, state: GalleryState) -> None:
    """Draw the tab."""
    now, source = strings(), st.session_state.get(SOURCE)
    if not state.status.captions:
        messages.no_captions(state.status.photos_root)
        return
    st.html(f'<h2 class="ps-title">{now.describe_title}</h2>')
    messages.hint(now.describe_intro)
    choose_upload(now.choose_photo, SOURCE)
    if source is None:
        return
    label = source.name if isinstance(source, Upload) else source
    components.register_component(
        "chips", "described-chip", {"chips": [{"id": SOURCE, "label": label}], "remove": now.remove}, removed=_remove
    )
    try:
        _answer(opened, source)
    except PhotoError as error:
        messages.photo_error(str(error))


def _answer(opened: OpenGallery, source: Upload | str) -> None:
    if isinstance(source, Upload):
        picture = make_thumbnail(source.data, FULL_SIDE)
        sentences = opened.captions.describe(source.data, k=_SENTENCES)
    else:
        sentences = opened.captions.describe(similar_to=source, k=_SENTENCES)
        picture = opened.pictures.of(opened.searcher.gallery.photos.file_of(source), FULL_SIDE)
    left, right = st.columns([2, 3], gap="medium")
    left.html(f'<figure class="ps-full"><img src="{data_uri(picture)}" alt="{escape(strings().your_photo)}"></figure>')
    right.html(_list(sentences))


def _list(sentences: list[Sentence]) -> str:
    rows = "".join(
        f"<li><span>{escape(sentence.text)}</span>"
        f'<meter value="{max(0.0, sentence.score):.3f}"></meter><small>{sentence.score:.3f}</small></li>'
        for sentence in sentences
    )
    return f'<h3 class="ps-small">{strings().sentences}</h3><ol class="ps-sentences">{rows}</ol>'


def _remove() -> None:
    st.session_state[SOURCE] = None
