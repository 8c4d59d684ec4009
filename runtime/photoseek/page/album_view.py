"""The tab with the albums of the gallery."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from photoseek.errors import PhotoseekError
from photoseek.gallery.albums import FAVORITES, MAX_NAME, Album, album_name
from photoseek.gallery.listing import photos_by_id
from photoseek.page import messages
from photoseek.page.listed_cards import render_listed
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.strings import strings

ALBUM = "album"
"""Name of the album that is shown, in the session and in the page's URL."""

_FIELD = "album-field"
_NAME = "album-name"
_ERROR = "album-error"


def render_album_view(opened: OpenGallery) -> None:
    """Draw the choice of an album, and its photos, newest first."""
    now, gallery = strings(), opened.searcher.gallery
    albums = gallery.albums.list()
    if error := st.session_state.pop(_ERROR, None):
        messages.error(error)
    if not albums:
        messages.notice(now.no_albums_title, now.no_albums)
        return
    album = _choose(albums)
    with st.container(horizontal=True, key="ps-albums", vertical_alignment="center"):
        labels = {each.name: f"{album_label(each.name)} ({each.photos:,})" for each in albums}
        st.session_state[_FIELD] = album.name
        st.pills(
            now.albums_tab,
            [*labels],
            format_func=labels.__getitem__,
            key=_FIELD,
            on_change=_open,
            label_visibility="collapsed",
        )
        if album.name != FAVORITES:
            _render_changes(opened, album.name)
    photos = photos_by_id(gallery, opened.searcher.bundle.fingerprint, list(gallery.albums.photos(album.name)))
    photos.sort(key=lambda photo: photo.taken or "", reverse=True)
    if photos:
        render_listed(photos, album.name, opened, album.name)
    else:
        messages.notice(now.empty_album_title, now.no_albums)


def album_label(name: str) -> str:
    """Return the name of an album as the page shows it."""
    return strings().favorites if name == FAVORITES else name


def _choose(albums: list[Album]) -> Album:
    """Return the chosen album, or the first one that is not empty."""
    wanted = st.session_state.get(ALBUM)
    first = next((each for each in albums if each.photos), albums[0])
    album = next((each for each in albums if each.name == wanted), first)
    st.session_state[ALBUM] = album.name
    return album


def _open() -> None:
    st.session_state[ALBUM] = st.session_state[_FIELD] or st.session_state[ALBUM]  # a second click deselects a pill


def _render_changes(opened: OpenGallery, name: str) -> None:
    now, albums = strings(), opened.searcher.gallery.albums
    with st.popover(now.edit_album, icon=":material/edit:"):
        field = f"{_NAME}-{name}"
        st.text_input(now.album_name, name, key=field, max_chars=MAX_NAME)
        with st.container(horizontal=True):
            st.button(now.rename_album, on_click=_change, args=(lambda: _rename(opened, name, field),))
            st.button(
                now.delete_album, on_click=_change, args=(lambda: albums.delete(name),), help=now.delete_album_help
            )


def _rename(opened: OpenGallery, name: str, field: str) -> None:
    wanted = album_name(st.session_state[field])
    opened.searcher.gallery.albums.rename(name, wanted)
    st.session_state[ALBUM] = wanted


def _change(change: Callable[[], None]) -> None:
    try:
        change()
    except PhotoseekError as error:
        st.session_state[_ERROR] = str(error)
