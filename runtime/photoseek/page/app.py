"""The search page as a whole."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import streamlit as st

from photoseek.bundle.bundle import DEMO
from photoseek.errors import GalleryNotFound, PhotoseekError
from photoseek.page import describe_view, filter_form, index_job, index_panel, messages, sidebar
from photoseek.page.bundle_form import render_bundle_form
from photoseek.page.exposure import is_shared
from photoseek.page.open_galleries import GalleryState, OpenGallery, gallery_state, open_gallery, open_reranker
from photoseek.page.search_form import example_queries, form_values, query_help, render_search_form
from photoseek.page.search_view import answer
from photoseek.page.server import is_built
from photoseek.page.sidebar import remember
from photoseek.page.strings import KEY, strings, take_language
from photoseek.page.url_state import read_url, write_url

_log = logging.getLogger(__name__)

_HERE = Path(__file__).parent


def render() -> None:
    """Draw the page. No error leaves it as a traceback: what is unforeseen goes to the log."""
    st.set_page_config("photoseek", str(_HERE / "icon.svg"), layout="wide")
    st.html(_HERE / "style.css")
    take_language()
    read_url()
    _header()
    if not is_built():  # without the gate, the bare script is open to anyone
        messages.problem(strings().not_guarded)
        return
    try:
        _draw_gallery(sidebar.choose_gallery())
    except PhotoseekError as error:
        messages.problem(str(error))
    except Exception:
        _log.exception("the page could not be drawn")
        messages.problem(strings().unforeseen)


def _header() -> None:
    now = strings()
    with st.container(key="ps-top", horizontal=True, vertical_alignment="center"):
        st.html(f'<header class="ps-header" lang="{now.code}"><h1>photoseek</h1><p>{now.tagline}</p></header>')
        st.button(
            now.other_name, type="tertiary", icon=":material/translate:", on_click=_language_menu, args=(now.other,)
        )


def _language_menu(language: str) -> None:
    st.session_state[KEY] = language


def _draw_gallery(folder: str) -> None:
    try:
        if not folder:
            raise GalleryNotFound("no gallery is named")
        opened = open_gallery(folder)
        st.session_state["bundle"] = opened.searcher.bundle.reference
    except PhotoseekError as error:
        _offer_indexing(folder)
        if not isinstance(error, GalleryNotFound):
            raise
        messages.no_gallery(folder)
        return
    if not is_shared():
        remember(folder)
    _offer_indexing(folder)
    gallery = opened.searcher.gallery
    state = gallery_state(gallery)
    chosen = render_bundle_form(tuple(gallery.bundles), state.status)
    sidebar.tell(state)
    if chosen.model != gallery.fingerprint:
        opened = open_gallery(folder, chosen.model)
    reranker = None if chosen.second is None else open_reranker(opened, chosen.second)
    _draw_state(folder, replace(opened, reranker=reranker), state)


def _offer_indexing(folder: str) -> None:
    with st.sidebar:
        index_panel.render_index_panel(folder, st.session_state.get("bundle", DEMO))


def _draw_state(folder: str, opened: OpenGallery, state: GalleryState) -> None:
    if state.status.searchable and state.status.generation is not None:
        _draw_views(opened, state)
    elif (job := index_job.job_of(folder)) is not None and job.running:
        messages.being_indexed()
    else:
        messages.nothing_searchable(state.status, opened.searcher.bundle.reference)


def _draw_views(opened: OpenGallery, state: GalleryState) -> None:
    """Draw both views behind tabs; only the open one searches."""
    now = strings()
    key, labels = f"tab-{now.code}", {"find": now.find_tab, "describe": now.describe_tab}
    if wanted := st.session_state.pop("view", None):
        st.session_state[key] = labels[wanted]
    find, about = st.tabs([now.find_tab, now.describe_tab], key=key, on_change="rerun")
    st.session_state["describing"] = bool(about.open)
    with find:
        _draw_find(opened, state)
    if about.open:
        with about:
            describe_view.show(opened, state)


def _draw_find(opened: OpenGallery, state: GalleryState) -> None:
    with st.container(key="ps-query", horizontal=True, vertical_alignment="center"):
        render_search_form()
        filter_form.render_filter_form(state.folders)
        query_help()
    query = form_values()
    write_url()
    filter_form.render_filter_chips(query)
    if st.session_state["describing"]:
        return
    if query.empty:
        messages.welcome(state.status)
        example_queries(opened.searcher)
    else:
        answer(opened, query, state)
