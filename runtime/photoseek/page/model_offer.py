"""The offer of a larger model, below the results of a gallery that only the embedded bundle has indexed."""

from __future__ import annotations

import os
from html import escape

import streamlit as st

from photoseek.bundle.bundle import DEMO
from photoseek.models.recommendation import Recommendation, recommended_model
from photoseek.page import index_job, model_job
from photoseek.page.exposure import is_shared
from photoseek.page.index_panel import render_progress
from photoseek.page.index_report import outcome
from photoseek.page.model_job import ModelJob
from photoseek.page.open_galleries import GalleryState, OpenGallery
from photoseek.page.search_form import has_demo_photos
from photoseek.page.strings import strings

_OFFERED = "model-offered"  # in the session: whether the offer was drawn


def render_model_offer(folder: str, opened: OpenGallery, state: GalleryState) -> None:
    """Draw the offer, the progress or the outcome, only where the page may index; nothing here uses the network.

    The offer follows the photos of a search or of the start page, not those of other tabs.
    The button starts a download. When its job is complete, a notice says that the new model searches.
    """
    if is_shared():
        return
    job = index_job.job_of(folder)
    of_model = job if isinstance(job, ModelJob) else None
    if of_model is not None and of_model.running:
        _render_running(of_model)
    elif _is_offered(opened, state):
        st.session_state[_OFFERED] = True
        if st.session_state.get("tab") == "find":
            _render_offer(folder, of_model, blocked=job is not None and job.running)
    elif st.session_state.pop(_OFFERED, False) and of_model is not None and of_model.report is not None:
        st.toast(strings().switched.format(model=of_model.model.name), icon=":material/check:", duration="long")


def _is_offered(opened: OpenGallery, state: GalleryState) -> bool:
    """Return whether only the embedded bundle has indexed a gallery of the user's photos that may be written."""
    gallery = opened.searcher.gallery
    return (
        gallery.bundles.primary.reference == DEMO
        and not any(each.generation for each in state.status.additional)
        and not has_demo_photos(opened.searcher)
        and os.access(gallery.path, os.W_OK)
    )


def _render_running(job: ModelJob) -> None:
    st.session_state[_OFFERED] = True
    with st.container(border=True, key="ps-offer"):
        st.html(f"<p>{escape(strings().preparing.format(model=job.model.name))}</p>")
        render_progress(job)


def _render_offer(folder: str, job: ModelJob | None, *, blocked: bool) -> None:
    now = strings()
    model = recommended_model(now.code)
    installed = model.is_installed
    with st.container(border=True, key="ps-offer"):
        st.html(f'<p>{escape(now.offer)}</p><p class="ps-hint">{escape(_facts(model, installed=installed))}</p>')
        if job is not None:
            outcome(now.stopped if job.error is None else now.model_failed.format(reason=job.error))
        label = now.index_with_model if installed else now.get_model
        if job is not None:
            label = now.proceed if job.error is None else now.try_again
        st.button(
            label,
            icon=":material/sync:" if installed else ":material/download:",
            help=now.get_model_help,
            on_click=_start,
            args=(folder, model),
            disabled=blocked,
        )


def _facts(model: Recommendation, *, installed: bool) -> str:
    now = strings()
    if installed:
        return now.model_installed.format(model=model.name)
    size = f"{model.megabytes:,}"
    return now.model_facts.format(model=model.name, size=size, license=model.license, address=model.address)


def _start(folder: str, model: Recommendation) -> None:
    model_job.start(folder, model)
