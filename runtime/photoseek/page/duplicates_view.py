"""The tab with the near-duplicates of the entire gallery."""

from __future__ import annotations

import streamlit as st

from photoseek.gallery.listing import photos_by_id
from photoseek.page import messages
from photoseek.page.duplicates_job import DuplicatesJob, duplicates_job
from photoseek.page.listed_cards import render_groups
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.strings import strings

_WAIT_S = 0.5  # a small gallery needs no progress bar
_REFRESH_S = 1.0


def render_duplicates_view(opened: OpenGallery) -> None:
    """Draw the groups of near-duplicates, or the progress of the search for them."""
    now, searcher = strings(), opened.searcher
    job = duplicates_job(opened)
    if not job.wait(_WAIT_S):
        _render_progress(job)
        return
    if job.groups is None:
        messages.error(now.unexpected)
        return
    if not job.groups:
        messages.notice(now.no_duplicates_title, now.no_duplicates)
        return
    extra = sum(len(group) - 1 for group in job.groups)
    messages.hint(now.duplicate_groups.format(groups=f"{len(job.groups):,}", count=f"{extra:,}"))
    fingerprint = searcher.bundle.fingerprint
    render_groups(
        job.groups, lambda ids: photos_by_id(searcher.gallery, fingerprint, ids), str(job.snapshot.path), opened
    )


@st.fragment(run_every=_REFRESH_S)
def _render_progress(job: DuplicatesJob) -> None:
    if not job.running:
        st.rerun()
    st.progress(job.share, strings().finding_duplicates)
