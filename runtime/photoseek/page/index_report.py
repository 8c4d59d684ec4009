"""How indexing ended: counts in one line, and lists of what is unreadable and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

from photoseek.gallery.index_job import Job
from photoseek.gallery.indexing.report import IndexReport
from photoseek.page import index_job, messages
from photoseek.page.exposure import is_shared, public
from photoseek.page.left_out_view import count_left_out, left_out_rows
from photoseek.page.photo_reason import photo_reason
from photoseek.page.strings import strings
from photoseek.sources.left_out import LeftOut, UnreadKind

_WATCHED = "watched-job"  # in the session: the job that it has started or seen running
_SEEN = "seen-outcome"  # in the session: the job whose outcome was drawn, and the parameters of the URL at that time
_MOST = 200  # rows of a list


def watch(job: Job) -> None:
    """Record that the session has started a job, or has seen it running, and so will see its outcome."""
    st.session_state[_WATCHED] = job


def ended_job(folder: str) -> Job | None:
    """Return the last job of a gallery if it ended while this session watched it, until its outcome is closed."""
    job = index_job.job_of(folder)
    return job if job is not None and not job.running and st.session_state.get(_WATCHED) is job else None


def render_new_outcome(folder: str, job: Job) -> None:
    """Draw how a job ended, until the visitor closes it or takes another step."""
    step = st.query_params.to_dict()
    seen, before = st.session_state.get(_SEEN, (None, step))
    st.session_state[_SEEN] = job, before if seen is job else step
    if seen is job and before != step:
        _dismiss()
    else:
        render_outcome(folder, job, closable=True)


def render_outcome(folder: str, job: Job, *, closable: bool = False) -> None:
    """Draw how a job of a gallery ended."""
    now, report = strings(), job.report
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="ps-outcome"):
        outcome(outcome_text(job))
        if report is None:
            again = now.proceed if job.error is None else now.try_again
            st.button(again, key="again", on_click=start_indexing, args=(folder, job.bundle))
        elif report.unreadable or report.skipped or report.left_out or report.unread:
            with st.popover(now.details):
                render_unreadable(folder, job.bundle, report.unreadable, "outcome")
                _render_list(now.unopened, report.skipped)
                render_left_out(report.left_out, report.unread)
        if closable:
            st.button(now.close, key="close-outcome", type="tertiary", icon=":material/close:", on_click=_dismiss)


def start_indexing(folder: str, bundle: str, *, retry: bool = False) -> None:
    """Start to index a folder; ``retry``: whether to try unreadable photos again."""
    watch(index_job.start(folder, bundle, retry=retry))


def outcome(text: str) -> None:
    """Draw a line about how a job ended."""
    st.html(f'<p class="ps-hint ps-outcome" role="status">{escape(text)}</p>')


def outcome_text(job: Job) -> str:
    """Return how a job ended, in one line."""
    now, report = strings(), job.report
    if job.error is not None:
        return now.failed.format(reason=job.error)
    if report is None:
        return now.stopped
    new = report.encoded + report.reused
    text = now.done.format(photos=f"{report.photos:,}", new=f"{new:,}", seconds=f"{report.seconds:.1f}")
    additional = [f"{each.bundle}: {each.problem}." for each in report.additional if each.problem]
    return " ".join([text, *_exceptions(report), *additional])


def _exceptions(report: IndexReport) -> list[str]:
    """Return the numbers of photos and files that cannot be searched."""
    now = strings()
    left_out = count_left_out(report.left_out, report.unread)
    counts = ((now.unreadable_count, len(report.unreadable)), (now.left_out_count, left_out))
    return [text.format(count=f"{count:,}") for text, count in counts if count]


def render_unreadable(
    folder: str, bundle: str, photos: Sequence[tuple[str, str]], key: str, *, titled: bool = True
) -> None:
    """Draw photos that cannot be decoded, with the reasons, and a button that tries only them again."""
    if not photos:
        return
    now, job = strings(), index_job.job_of(folder)
    rows = [(path, photo_reason(reason)) for path, reason in photos]
    _render_list(now.unreadable_photos if titled else "", rows)
    busy = job is not None and job.running
    if is_shared():
        return
    st.button(
        now.try_again,
        icon=":material/refresh:",
        key=f"retry-{key}",
        disabled=busy,
        on_click=start_indexing,
        args=(folder, bundle),
        kwargs={"retry": True},
    )


def render_left_out(left_out: Sequence[LeftOut], unread: Sequence[UnreadKind], *, titled: bool = True) -> None:
    """Draw what a scan left out, with an example and the reason, and kinds of files that are not read."""
    _render_list(strings().left_out if titled else "", list(left_out_rows(left_out, unread)))


def _render_list(title: str, rows: Sequence[tuple[str, str]]) -> None:
    if not rows:
        return
    heading = f'<h3 class="ps-small">{escape(title)}</h3>' if title else ""
    st.html(f'{heading}<ul class="ps-unreadable">{_items(rows[:_MOST])}</ul>')
    if len(rows) > _MOST:
        messages.hint(strings().and_more.format(count=f"{len(rows) - _MOST:,}"))


def _items(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f"<li><bdi>{escape(name)}</bdi><small>{escape(public(reason))}</small></li>" for name, reason in rows
    )


def _dismiss() -> None:
    st.session_state[_WATCHED] = None
