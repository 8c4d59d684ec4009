"""Indexing from the sidebar: a button to start, a progress bar, and a button to stop."""

from __future__ import annotations

from html import escape
from typing import Literal

import streamlit as st

from photoseek.gallery.index_job import Job
from photoseek.gallery.indexing.report import Progress
from photoseek.page import index_job
from photoseek.page.exposure import is_shared
from photoseek.page.model_job import DOWNLOAD, ModelJob
from photoseek.page.strings import strings

_REFRESH_S = 0.5


def render_index_panel(folder: str, bundle: str) -> None:
    """Draw the button or the progress if only this computer can reach the page: a visitor could index any folder."""
    if not folder or is_shared():
        return
    job = index_job.job_of(folder)
    of_model = isinstance(job, ModelJob)  # drawn with its offer
    if job is not None and job.running and not of_model:
        render_progress(job)
        return
    now = strings()
    st.button(
        now.index,
        icon=":material/sync:",
        help=now.index_help,
        on_click=_start,
        args=(folder, bundle),
        disabled=job is not None and job.running,
        width="stretch",
    )
    if job is not None and not of_model:
        outcome(_outcome(job))


@st.fragment(run_every=_REFRESH_S)
def render_progress(job: Job) -> None:
    """Draw the progress of a running job and a button that stops it; when it ends, run the page again."""
    if not job.running:
        st.rerun()
    now, of_model = strings(), isinstance(job, ModelJob)
    share, text = _progress(job.progress, of_model=of_model)
    st.progress(share, " · ".join(filter(None, [text, _time_left(job.seconds_left)])))
    label = now.stopping if job.stopping else now.stop
    width: Literal["content", "stretch"] = "content" if of_model else "stretch"
    st.button(label, icon=":material/stop_circle:", on_click=job.stop, disabled=job.stopping, width=width)


def outcome(text: str) -> None:
    """Draw how a job ended."""
    st.html(f'<p class="ps-hint ps-outcome" role="status">{escape(text)}</p>')


def _progress(progress: Progress | None, *, of_model: bool) -> tuple[float, str]:
    """Return the share that is done, within [0, 1], and the text of the progress bar."""
    now = strings()
    if progress is None:
        return 0.0, now.connecting if of_model else now.starting
    share = progress.done / progress.total if progress.total else 1.0
    if progress.phase == DOWNLOAD:
        done, total = (f"{count / 1e6:,.0f}" for count in (progress.done, progress.total))
        return share, now.downloading.format(done=done, total=total) if share < 1 else now.checking
    if progress.phase == "encode":
        return share, now.encoding.format(done=f"{progress.done:,}", total=f"{progress.total:,}")
    return 1.0, now.building


def _time_left(seconds: float | None) -> str:
    """Return an estimate with one or two digits, or an empty string if there is none."""
    if not seconds:
        return ""
    now = strings()
    if seconds < 90:
        return now.seconds_left.format(count=max(1, round(seconds)))
    minutes = seconds / 60
    return (now.minutes_left if minutes < 90 else now.hours_left).format(
        count=round(minutes if minutes < 90 else minutes / 60)
    )


def _outcome(job: Job) -> str:
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
