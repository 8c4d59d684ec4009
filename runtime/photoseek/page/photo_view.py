"""One photo, large, with all that is known of it; from here to others like it and to its description."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from photoseek.errors import PhotoError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.thumbnails import data_uri
from photoseek.page import describe_view
from photoseek.page.exposure import is_shared
from photoseek.page.results import confidence_of, missing_reason
from photoseek.page.strings import strings
from photoseek.page.thumbnail_cache import FULL_SIDE, Pictures
from photoseek.search.hits import Hit


def show_opened(hits: Sequence[Hit], gallery: Gallery, pictures: Pictures) -> None:
    """Draw the photo that was opened, if it is among the hits, over the page."""
    if st.session_state.get("opened") in [hit.path for hit in hits]:
        st.dialog(strings().detail, width="medium", on_dismiss=_close)(_show)(hits, gallery, pictures)


def _show(hits: Sequence[Hit], gallery: Gallery, pictures: Pictures) -> None:
    places = {hit.path: place for place, hit in enumerate(hits)}
    place = places.get(st.session_state.get("opened") or "", 0)
    hit = hits[place]
    _picture(hit, pictures)
    _turn(hits, place)
    _facts(hit, gallery.sentences.of_photo(hit.path))
    now = strings()
    with st.container(horizontal=True):
        search_similar = st.button(
            now.more_like, icon=":material/image_search:", type="primary", on_click=_search_similar, args=(hit.path,)
        )
        told = st.button(
            now.describe_it, icon=":material/notes:", on_click=describe_view.take, args=(hit.path,), key="describe-it"
        )
    if search_similar or told:
        st.rerun()


def _picture(hit: Hit, pictures: Pictures) -> None:
    try:
        uri = data_uri(pictures.of(hit.file, FULL_SIDE))
    except PhotoError as error:
        st.html(f'<p class="ps-full ps-missing">{escape(missing_reason(hit, error))}</p>')
    else:
        st.html(f'<figure class="ps-full"><img src="{uri}" alt="{escape(hit.path)}"></figure>')


def _turn(hits: Sequence[Hit], place: int) -> None:
    """Draw two buttons; after the last comes the first. None is ever disabled: it would lose the focus, and Escape."""
    now = strings()
    with st.container(horizontal=True, key="ps-turn", vertical_alignment="center", horizontal_alignment="distribute"):
        _turn_button(now.previous, hits[place - 1], "Left")
        position = now.position.format(number=place + 1, count=len(hits))
        st.html(f'<p class="ps-hint ps-position" role="status">{position}</p>', width="content")
        _turn_button(now.next, hits[(place + 1) % len(hits)], "Right")


def _turn_button(label: str, other: Hit, shortcut: str) -> None:
    st.button(label, on_click=_go, args=(other.path,), shortcut=shortcut, key=f"turn-{shortcut}")


def _facts(hit: Hit, captions: Sequence[str]) -> None:
    now, confidence = strings(), confidence_of(hit)
    rows = [
        (now.file, hit.path),
        (now.size, f"{hit.width} × {hit.height} ({hit.width * hit.height / 1e6:.1f} MP)"),
        (now.taken, hit.taken or ""),
        (now.score, f"{hit.score:.3f}"),
        *((now.score_by.format(bundle=each.bundle), f"{each.score or 0:.3f}") for each in hit.scores[1:] if each.score),
        (now.sureness, confidence),
    ]
    told = "".join(f"<dt>{escape(name)}</dt><dd><bdi>{escape(value)}</bdi></dd>" for name, value in rows if value)
    st.html(f'<dl class="ps-facts ps-detail">{told}</dl>')
    if not is_shared():
        st.code(str(hit.file), language=None, wrap_lines=True)  # with a button that copies it
    if captions:
        items = "".join(f"<li>{escape(caption)}</li>" for caption in captions)
        st.html(f'<h3 class="ps-small">{now.captions}</h3><ul class="ps-captions">{items}</ul>')


def _go(path: str) -> None:
    st.session_state["opened"] = path


def _close() -> None:
    st.session_state["opened"] = None


def _search_similar(path: str) -> None:
    """Search with this photo alone; a text can be added to it."""
    st.session_state.update(similar_to=path, photo=None, q="", opened=None)
