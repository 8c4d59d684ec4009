"""The search page: header, sidebar and tabs."""

from __future__ import annotations

import logging
from dataclasses import replace
from html import escape
from pathlib import Path

import streamlit as st

from photoseek.bundle.bundle import DEMO
from photoseek.errors import GalleryNotFound, PhotoseekError, QueryError
from photoseek.gallery.database.typed_names import with_known_names
from photoseek.gallery.filters import Filter
from photoseek.gallery.overview import count_photos
from photoseek.page import (
    album_view,
    browse_view,
    components,
    describe_view,
    duplicates_view,
    filter_chips,
    filter_form,
    first_run,
    index_job,
    index_panel,
    index_report,
    messages,
    model_offer,
    paging,
    search_form,
    sidebar,
)
from photoseek.page.bundle_form import render_bundle_form
from photoseek.page.exposure import is_shared
from photoseek.page.filter_state import current_filter, filter_values
from photoseek.page.open_galleries import (
    GalleryState,
    OpenGallery,
    default_bundle,
    gallery_state,
    open_gallery,
    open_reranker,
)
from photoseek.page.recent_galleries import remember
from photoseek.page.search_view import render_results
from photoseek.page.server import is_gated
from photoseek.page.strings import KEY, read_language, strings
from photoseek.page.url_state import ERRORS, begin_gallery, follow_history, home_url, read_url, write_url
from photoseek.sources.local import LocalSource

_log = logging.getLogger(__name__)

_HERE = Path(__file__).parent


def render() -> None:
    """Draw the page. Unexpected errors are logged, and never shown as a traceback."""
    st.set_page_config("photoseek", str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "style.css")
    follow_history()
    read_language()
    read_url()
    _render_header()
    if not is_gated():  # the bare script is open to anyone
        messages.error(strings().no_gate)
        return
    try:
        _render_gallery(sidebar.choose_gallery())
    except PhotoseekError as error:
        messages.error(str(error))
    except Exception:
        _log.exception("cannot draw the page")
        messages.error(strings().unexpected)


def _render_header() -> None:
    now = strings()
    with st.container(key="ps-top", horizontal=True, vertical_alignment="center"):
        home = f'<h1><a href="{escape(home_url())}">photoseek</a></h1>'
        st.html(f'<header class="ps-header" lang="{now.code}">{home}<p>{now.tagline}</p></header>')
        search_form.render_keys()
        st.button(
            now.other_name, type="tertiary", icon=":material/translate:", on_click=_set_language, args=(now.other,)
        )


def _set_language(language: str) -> None:
    st.session_state.update({KEY: language, "view": st.session_state.get("tab")})  # the tabs are others


def _render_gallery(folder: str) -> None:
    try:
        if not folder:
            raise GalleryNotFound("expected the folder of a gallery, found none")
        opened = open_gallery(folder)
        st.session_state["index-bundle"] = opened.searcher.bundle.reference
    except PhotoseekError as error:
        if not isinstance(error, GalleryNotFound):
            _render_index_button(folder)
            raise
        _render_no_gallery(folder)
        return
    _begin(folder)
    _render_index_button(folder)
    gallery = opened.searcher.gallery
    state = gallery_state(gallery)
    choice = render_bundle_form(tuple(gallery.bundles), state.status, default_bundle(folder, gallery, state.status))
    sidebar.render_status(folder, state, opened.searcher.bundle.reference)
    if choice.search != gallery.fingerprint:
        opened = open_gallery(folder, choice.search)
    reranker = None if choice.rerank is None else open_reranker(opened, choice.rerank)
    _render_state(folder, replace(opened, reranker=reranker), state)


def _begin(folder: str) -> None:
    """Record that the session shows a gallery."""
    if not is_shared():
        remember(folder)
    begin_gallery(folder)


def _render_index_button(folder: str) -> None:
    with st.sidebar:
        index_panel.render_index_button(folder, _new_bundle())


def _new_bundle() -> str:
    """Return the bundle of a new gallery: that of the gallery that was open, or the embedded one."""
    return str(st.session_state.get("index-bundle", DEMO))


def _render_no_gallery(folder: str) -> None:
    job = index_job.job_of(folder)
    if is_shared():
        messages.no_gallery()
    elif job is not None and job.running:
        _begin(folder)
        write_url()
        index_panel.render_job(folder)
        messages.hint(strings().being_indexed)
    elif folder:
        first_run.render_new_folder(folder, _new_bundle())
    else:
        first_run.render_choice_of_folder(folder)


def _render_state(folder: str, opened: OpenGallery, state: GalleryState) -> None:
    if state.status.searchable and state.status.generation is not None:
        running = index_panel.render_job(folder)
        ended = None if running else index_report.ended_job(folder)
        place = None if ended is None else st.empty()
        _render_tabs(opened, state)
        if ended is not None and place is not None:  # after the tabs, because they know which step this is
            with place.container():
                index_report.render_new_outcome(folder, ended)
        if is_shared():
            messages.hint(strings().only_here)
        if not running:
            model_offer.render_model_offer(folder, opened, state)
        return
    write_url()
    job = index_job.job_of(folder)
    if job is not None and job.running:
        index_panel.render_job(folder)
        messages.hint(strings().being_indexed)
    else:
        _render_nothing_searchable(folder, opened, state)


def _render_nothing_searchable(folder: str, opened: OpenGallery, state: GalleryState) -> None:
    messages.nothing_searchable(state.status)
    source = opened.searcher.gallery.photos.source
    if is_shared() or not isinstance(source, LocalSource):
        return
    first_run.render_new_folder(folder, opened.searcher.bundle.reference, source.root)
    index_report.render_unreadable(folder, opened.searcher.bundle.reference, state.unreadable, "nothing")


def _render_tabs(opened: OpenGallery, state: GalleryState) -> None:
    """Draw the tabs; only the open one searches, or lists photos."""
    now = strings()
    labels = {"find": now.find_tab, "describe": now.describe_tab}
    if not is_shared():
        labels |= {"albums": now.albums_tab, "duplicates": now.duplicates_tab}
    key = f"tab-{now.code}"
    if wanted := st.session_state.pop("view", None):
        st.session_state[key] = labels.get(wanted, now.find_tab)
    tabs = dict(zip(labels, st.tabs(list(labels.values()), key=key, on_change="rerun"), strict=True))
    opens = next((name for name, tab in tabs.items() if tab.open), "find")
    if opens != st.session_state.get("tab"):
        components.close_popovers()  # those of a hidden tab would be shown in a corner
    st.session_state.update(describing=opens == "describe", tab=opens)
    if opens == "albums":
        album_view.choose_album(opened)
    with tabs["find"]:
        _render_search_tab(opened, state)
    with tabs[opens]:
        if opens == "albums":
            album_view.render_album_view(opened)
        elif opens == "duplicates":
            duplicates_view.render_duplicates_view(opened)
        elif opens == "describe":
            describe_view.render_describe_view(opened, state)


def _render_search_tab(opened: OpenGallery, state: GalleryState) -> None:
    try:
        where, error = with_known_names(opened.searcher.gallery.database, current_filter()), ""
    except QueryError as refused:
        where, error = Filter(), str(refused)
    overview = count_photos(opened.searcher.snapshot.columns, where)
    with st.container(key="ps-query", horizontal=True, vertical_alignment="center"):
        search_form.render_search_form()
        filter_form.render_filter_form(overview)
        search_form.render_query_help()
    query = search_form.form_values()
    if paging.start_over(query, filter_values(), opened.backend.bundle.fingerprint):
        st.session_state[ERRORS] = []
    write_url()
    filter_chips.render_filter_chips(query, opened)
    if st.session_state["tab"] != "find":
        return
    if st.session_state[ERRORS]:
        messages.link_errors(st.session_state[ERRORS])
    if error:
        messages.filter_error(error)
    elif query.empty:
        browse_view.render_browse(opened, overview, where)
    else:
        render_results(opened, query, where, state)
