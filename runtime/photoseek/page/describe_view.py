"""The tab that describes a photo by the best-matching captions of the gallery."""

from __future__ import annotations

from html import escape

import streamlit as st

from photoseek.errors import PhotoError
from photoseek.gallery.thumbnails import data_uri, make_thumbnail
from photoseek.page import components, messages
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.search_form import Upload, render_upload
from photoseek.page.strings import strings
from photoseek.page.thumbnail_cache import FULL_SIDE
from photoseek.search.hits import Sentence

PHOTO = "described"
"""Name in the session of the photo to describe: an ``Upload``, or the path of a photo in the gallery."""

_SENTENCES = 10


def describe(path: str) -> None:
    """Open the tab with a photo of the gallery."""
    st.session_state.update({PHOTO: path, "view": "describe"})


def render_describe_view(opened: OpenGallery, state: GalleryState) -> None:
    """Draw the tab."""
    now, photo = strings(), st.session_state.get(PHOTO)
    if not state.status.captions:
        messages.no_captions(state.status.photos_root)
        return
    st.html(f'<h2 class="ps-title">{now.describe_title}</h2>')
    messages.hint(now.describe_intro)
    render_upload(now.choose_photo, PHOTO)
    if photo is None:
        return
    label = photo.name if isinstance(photo, Upload) else photo
    chips = {"chips": [{"id": PHOTO, "label": label}], "remove": now.remove}
    components.render_component("chips", "described-chip", chips, removed=_remove)
    try:
        _render_captions(opened, photo)
    except PhotoError as error:
        messages.photo_error(str(error))


def _render_captions(opened: OpenGallery, photo: Upload | str) -> None:
    if isinstance(photo, Upload):
        picture = make_thumbnail(photo.data, FULL_SIDE)
        sentences = opened.captions.describe(photo.data, k=_SENTENCES)
    else:
        sentences = opened.captions.describe(similar_to=photo, k=_SENTENCES)
        picture = opened.thumbnails.thumbnail(opened.searcher.gallery.photos.file_of(photo), FULL_SIDE)
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
    st.session_state[PHOTO] = None
