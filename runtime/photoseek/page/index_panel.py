"""Indexing from the sidebar: a button, a bar that moves by itself, and a button that stops."""

from __future__ import annotations

from html import escape

import streamlit as st

from photoseek.page import index_job
from photoseek.page.exposure import is_shared
from photoseek.page.strings import strings

_EVERY_S = 0.5


def render_index_panel(folder: str, bundle: str) -> None:
    """Draw the button, or how far it has come.

    Only where the page is reached from this computer alone: else whoever reaches it could look into any folder.
    """
    if not folder or is_shared():
        return
    job = index_job.job_of(folder)
    if job is not None and job.running:
        _watch(job)
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
        _show_outcome(job)


@st.fragment(run_every=_EVERY_S)
def _watch(job: index_job.Job) -> None:
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


def _show_outcome(job: index_job.Job) -> None:
    now, report = strings(), job.report
    if job.problem is not None:
        text = now.failed.format(reason=job.problem)
    elif report is None:
        text = now.stopped
    else:
        new = report.encoded + report.reused
        text = now.done.format(photos=f"{report.photos:,}", new=f"{new:,}", seconds=f"{report.seconds:.1f}")
        text = " ".join([text, *(f"{each.bundle}: {each.problem}." for each in report.additional if each.problem)])
    st.html(f'<p class="ps-hint ps-end" role="status">{escape(text)}</p>')


def _start(folder: str, bundle: str) -> None:
    index_job.start(folder, bundle)
