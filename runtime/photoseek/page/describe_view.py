"""The tab that describes a photo: by words of the vocabulary, and by the captions of the gallery."""

from __future__ import annotations

from contextlib import nullcontext
from html import escape

import streamlit as st

from photoseek.errors import PhotoError, QueryError
from photoseek.gallery.thumbnails import data_uri, make_thumbnail
from photoseek.page import caption_form, components, messages
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.search_form import Upload, render_upload
from photoseek.page.strings import strings
from photoseek.page.thumbnail_cache import FULL_SIDE
from photoseek.search.hits import Sentence
from photoseek.search.vocabulary import vocabulary

PHOTO = "described"
"""Name in the session of the photo to describe: an ``Upload``, or the path of a photo in the gallery."""

_SENTENCES = 10
_TAGS = 12


def describe(path: str) -> None:
    """Open the tab with a photo of the gallery."""
    st.session_state.update({PHOTO: path, "view": "describe"})


def render_describe_view(opened: OpenGallery, state: GalleryState) -> None:
    """Draw the tab."""
    now, photo = strings(), st.session_state.get(PHOTO)
    st.html(f'<h2 class="ps-title">{now.describe_title}</h2>')
    messages.hint(now.describe_intro)
    render_upload(now.choose_photo, PHOTO)
    if photo is not None:
        label = photo.name if isinstance(photo, Upload) else photo
        chips = {"chips": [{"id": PHOTO, "label": label}], "remove": now.remove}
        components.render_component("chips", "described-chip", chips, removed=_remove)
        try:
            _render_description(opened, state, photo)
        except PhotoError as error:
            messages.photo_error(str(error))
        except QueryError as error:
            messages.query_error(str(error))
    caption_form.render_caption_form(opened.searcher.gallery, state.status.captions)


def _render_description(opened: OpenGallery, state: GalleryState, photo: Upload | str) -> None:
    now = strings()
    given = {"photo": photo.data} if isinstance(photo, Upload) else {"similar_to": photo}
    if isinstance(photo, Upload):
        picture = make_thumbnail(photo.data, FULL_SIDE)
    else:
        opened.searcher.resolve_photo(photo)  # a link may name any path
        picture = opened.thumbnails.thumbnail(opened.searcher.gallery.photos.file_of(photo), FULL_SIDE)
    loaded = opened.tagger.is_loaded_for(now.code, given.get("photo"))
    with nullcontext() if loaded else st.spinner(""):  # the vocabulary is encoded once
        tags = opened.tagger.tags(**given, language=now.code, k=_TAGS)
        sentences = opened.captions.describe(**given, k=_SENTENCES) if state.status.captions else []
    left, right = st.columns([2, 3], gap="medium")
    left.html(f'<figure class="ps-full"><img src="{data_uri(picture)}" alt="{escape(now.your_photo)}"></figure>')
    with right:
        if sentences:
            st.html(_list(sentences))
        if not tags:
            return
        st.html(f'<h3 class="ps-small">{escape(now.tags)}</h3>')
        rows = [{"text": tag.text, "score": f"{tag.score:.2f}", "likeness": _likeness(tag, tags[0])} for tag in tags]
        data = {"tags": rows, "label": now.tags, "search": now.search_tag}
        components.render_component("tags", "tags", data, chosen=_search)


def _likeness(tag: Sentence, best: Sentence) -> float:
    """Return the cosine of a tag compared with that of the best one, in [0, 1]."""
    return round(min(max(tag.score / best.score, 0.0), 1.0), 3) if best.score > 0 else 0.0


def _list(sentences: list[Sentence]) -> str:
    rows = "".join(
        f"<li><span>{escape(sentence.text)}</span>"
        f'<meter value="{max(0.0, sentence.score):.3f}"></meter><small>{sentence.score:.3f}</small></li>'
        for sentence in sentences
    )
    return f'<h3 class="ps-small">{strings().sentences}</h3><ol class="ps-sentences">{rows}</ol>'


def _search() -> None:
    """Search for a tag; any program can send this event."""
    tag = components.component_value("tags", "chosen")
    if tag in vocabulary(strings().code) or tag in vocabulary():
        st.session_state.update({"q": tag, "photo": None, "similar_to": None, "view": "find"})


def _remove() -> None:
    st.session_state[PHOTO] = None
