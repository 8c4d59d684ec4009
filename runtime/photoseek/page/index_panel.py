"""Indexing from the page: a button to start, and a progress bar with a button to stop."""

from __future__ import annotations

import streamlit as st

from photoseek.gallery.index_job import Job
from photoseek.gallery.indexing.report import Progress
from photoseek.gallery.location import find_gallery
from photoseek.gallery.snapshot.current import current_id
from photoseek.page import index_job
from photoseek.page.exposure import is_shared
from photoseek.page.index_report import start_indexing, watch
from photoseek.page.model_job import DOWNLOAD, ModelJob
from photoseek.page.strings import strings
from photoseek.system.user_paths import absolute

_REFRESH_S = 0.5


def render_index_button(folder: str, bundle: str) -> None:
    """Draw the button that updates a gallery, only where this computer alone can reach the page."""
    if is_shared():
        return
    now, job = strings(), index_job.job_of(folder)
    st.button(
        now.index,
        icon=":material/sync:",
        help=now.index_help,
        on_click=start_indexing,
        args=(folder, bundle),
        disabled=job is not None and job.running,
        width="stretch",
    )


def render_job(folder: str) -> bool:
    """Draw the progress of indexing a folder, and return whether it is in progress."""
    job = None if is_shared() else index_job.job_of(folder)
    if job is None or not job.running or isinstance(job, ModelJob):  # drawn with its offer
        return False
    watch(job)
    with st.container(border=True, key="ps-indexing"):
        render_progress(job, _snapshot(folder))
    return True


@st.fragment(run_every=_REFRESH_S)
def render_progress(job: Job, snapshot: str | None = None) -> None:
    """Draw the progress of a running job and a button that stops it; when it ends, run the page again.

    Args:
        job: The job.
        snapshot: The snapshot that the page shows, if it follows the job: a later one runs the page again, too.
    """
    of_model = isinstance(job, ModelJob)
    if not job.running or (not of_model and _snapshot(str(job.folder)) != snapshot):
        st.rerun()
    now = strings()
    share, text = _progress(job.progress, of_model=of_model)
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"ps-progress-{'model' if of_model else 'index'}"
    ):
        st.progress(share, " · ".join(filter(None, [text, _time_left(job.seconds_left)])))
        label = now.stopping if job.stopping else now.stop
        st.button(label, icon=":material/stop_circle:", on_click=job.stop, disabled=job.stopping)


def _snapshot(folder: str) -> str | None:
    """Return the name of the snapshot that answers queries with the primary bundle, or None."""
    gallery = find_gallery(absolute(folder))
    return None if gallery is None else current_id(gallery)


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
