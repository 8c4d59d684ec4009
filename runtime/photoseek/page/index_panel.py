"""Indexing from the sidebar: a button to start, a progress bar, and a button to stop."""

from __future__ import annotations

from html import escape

import streamlit as st

from photoseek.page import index_job
from photoseek.page.exposure import is_shared
from photoseek.page.strings import strings

_REFRESH_S = 0.5


def render_index_panel(folder: str, bundle: str) -> None:
    """Draw the button or the progress if only this computer can reach the page: a visitor could index any folder."""
    if not folder or is_shared():
        return
    job = index_job.job_of(folder)
    if job is not None and job.running:
        _render_progress(job)
        return
    now = strings()
    st.button(
        now.index,
        icon=":material/sync:",
        help=now.index_help,
        on_click=_start,
        args=(folder, bundle),
        width="stretch",
    )
    if job is not None:
        st.html(f'<p class="ps-hint ps-outcome" role="status">{escape(_outcome(job))}</p>')


@st.fragment(run_every=_REFRESH_S)
def _render_progress(job: index_job.Job) -> None:
    if not job.running:
        st.rerun()
    now, progress = strings(), job.progress
    if progress is None:
        st.progress(0.0, now.starting)
    elif progress.phase == "encode":
        share = progress.done / progress.total if progress.total else 1.0
        st.progress(share, now.encoding.format(done=f"{progress.done:,}", total=f"{progress.total:,}"))
    else:
        st.progress(1.0, now.building)
    label = now.stopping if job.stopping else now.stop
    st.button(label, icon=":material/stop_circle:", on_click=job.stop, disabled=job.stopping, width="stretch")


def _outcome(job: index_job.Job) -> str:
    now, report = strings(), job.report
    if job.error is not None:
        return now.failed.format(reason=job.error)
    if report is None:
        return now.stopped
    new = report.encoded + report.reused
    text = now.done.format(photos=f"{report.photos:,}", new=f"{new:,}", seconds=f"{report.seconds:.1f}")
    return " ".join([text, *(f"{each.bundle}: {each.problem}." for each in report.additional if each.problem)])


def _start(folder: str, bundle: str) -> None:
    index_job.start(folder, bundle)
