"""The tab with the albums of the gallery."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from photoseek.errors import PhotoseekError, QueryError
from photoseek.gallery.albums import FAVORITES, MAX_NAME, Album, album_name
from photoseek.gallery.listing import photos_by_id
from photoseek.page import components, messages
from photoseek.page.album_names import album_label, is_favorites
from photoseek.page.listed_cards import render_listed
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.photo_zip import MAX_PHOTOS
from photoseek.page.selection import ALBUM, offer_undo
from photoseek.page.strings import strings

_FIELD = "album-field"
_NAME = "album-name"
_ERROR = "album-error"


def render_album_view(opened: OpenGallery) -> None:
    """Draw the choice of an album, and its photos, newest first."""
    now, gallery = strings(), opened.searcher.gallery
    albums = gallery.albums.list()
    if error := st.session_state.pop(_ERROR, None):
        messages.error(error)
    album = choose_album(opened)
    if album is None:
        messages.notice(now.no_albums_title, now.no_albums)
        render_listed([], "", opened)  # offers to undo
        return
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
        if album.photos:
            _render_actions(opened, album)
    photos = photos_by_id(gallery, opened.searcher.bundle.fingerprint, list(gallery.albums.photos(album.name)))
    photos.sort(key=lambda photo: photo.taken or "", reverse=True)
    if not photos:
        messages.notice(now.empty_album_title, now.no_albums)
    render_listed(photos, album.name, opened, album.name)


def choose_album(opened: OpenGallery) -> Album | None:
    """Return the album that is shown: the chosen one, or the first one that is not empty, or None if there is none."""
    albums = opened.searcher.gallery.albums.list()
    first = next((each for each in albums if each.photos), albums[0] if albums else None)
    album = next((each for each in albums if each.name == st.session_state.get(ALBUM)), first)
    st.session_state[ALBUM] = album.name if album else None
    return album


def _open() -> None:
    st.session_state[ALBUM] = st.session_state[_FIELD] or st.session_state[ALBUM]  # a second click deselects a pill


def _render_changes(opened: OpenGallery, name: str) -> None:
    now = strings()
    with st.popover(now.edit_album, icon=":material/edit:", key=f"edit-{name}"):  # another album closes it
        field = f"{_NAME}-{name}"
        with st.form(f"rename-{name}", border=False):
            st.text_input(now.album_name, name, key=field, max_chars=MAX_NAME)
            st.form_submit_button(now.rename_album, on_click=_change, args=(lambda: _rename(opened, name, field),))
        st.divider()
        st.button(
            now.delete_album,
            type="tertiary",
            icon=":material/delete:",
            on_click=_change,
            args=(lambda: _delete(opened, name),),
            help=now.delete_album_help,
        )


def _render_actions(opened: OpenGallery, album: Album) -> None:
    now = strings()
    texts = {
        "copy_paths": now.copy_paths,
        "copied": now.copied,
        "not_copied": now.not_copied,
        "download": now.download,
        "too_many": now.too_many.format(count=f"{MAX_PHOTOS:,}"),
        "action_failed": now.action_failed,
    }
    data = {"album": album.name, "photos": album.photos, "limit": MAX_PHOTOS, "folder": opened.files.root}
    components.render_component("album", "album-actions", {**data, "texts": texts})


def _delete(opened: OpenGallery, name: str) -> None:
    albums = opened.searcher.gallery.albums
    token = opened.files.undo.put(albums.copy(name))
    albums.delete(name)
    offer_undo(token, strings().album_deleted.format(album=name))


def _rename(opened: OpenGallery, name: str, field: str) -> None:
    wanted, st.session_state[field] = album_name(st.session_state[field]), name
    if is_favorites(wanted):
        raise QueryError(strings().album_reserved.format(album=wanted))
    opened.searcher.gallery.albums.rename(name, wanted)
    st.session_state[ALBUM] = wanted


def _change(change: Callable[[], None]) -> None:
    try:
        change()
    except PhotoseekError as error:
        st.session_state[_ERROR] = str(error)
