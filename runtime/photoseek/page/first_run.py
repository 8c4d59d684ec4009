"""The page before there is something to search: a folder is chosen, looked at, and indexed."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from photoseek.bundle.bundle import DEMO
from photoseek.demo.gallery import demo_photos
from photoseek.page import folder_browser, index_job, index_report, messages
from photoseek.page.exposure import is_shared
from photoseek.page.left_out_view import count_left_out, folder_count, photo_count
from photoseek.page.strings import strings
from photoseek.page.survey_job import SurveyJob
from photoseek.system.user_paths import absolute, printable, why_no_folder

_SURVEY = "survey"  # in the session: the last survey
_REFRESH_S = 0.5


def render_choice_of_folder(folder: str) -> None:
    """Draw the choice of a folder, and why the typed one is not it."""
    now = strings()
    if folder:
        messages.notice(now.no_gallery_title, now.no_gallery.format(folder=printable(folder)))
    else:
        st.html(f'<h2 class="ps-title">{escape(now.choose_title)}</h2>')
        messages.hint(now.choose)
    with st.container(border=True, key="ps-browser"):
        folder_browser.render_folder_browser()
    st.button(now.try_demo, icon=":material/draw:", type="tertiary", on_click=_open_demo)


def render_new_folder(folder: str, bundle: str, photos: Path | None = None) -> None:
    """Draw what indexing a folder would do, and the button that starts it.

    Args:
        folder: Folder of the photos, or a gallery of theirs in which nothing can be searched.
        bundle: Bundle that indexes them.
        photos: Folder of the photos. None: ``folder``.
    """
    now, job = strings(), index_job.job_of(folder)
    place = photos or absolute(folder)
    if why_no_folder(place) is not None:
        render_choice_of_folder(folder)
        return
    survey = _survey_of(place, bundle)
    with st.container(border=True, key="ps-survey"):
        st.html(f'<h2 class="ps-title">{escape(printable(place.name or "/"))}</h2>')
        messages.hint(printable(place))
        if survey.running:
            _watch(survey)
        else:
            _show(survey)
        with st.container(horizontal=True, key="ps-survey-buttons"):
            empty = survey.error is not None or (survey.survey is not None and not survey.survey.photos)
            st.button(
                _label(survey),
                type="primary",
                icon=":material/sync:",
                key="index-new",
                on_click=_start,
                args=(folder, bundle, survey),
                disabled=empty,
            )
            folder_browser.render_browse_button(now.other_folder, "browse-other")
    if job is not None:
        index_report.render_outcome(folder, job)


def _label(survey: SurveyJob) -> str:
    now, found = strings(), survey.survey
    return now.index if found is None or not found.photos else now.index_photos.format(photos=photo_count(found.photos))


def _survey_of(folder: Path, bundle: str) -> SurveyJob:
    """Return the survey of a folder, started when the session first sees the folder; another one is stopped."""
    job = st.session_state.get(_SURVEY)
    if not isinstance(job, SurveyJob) or (job.folder, job.bundle) != (folder, bundle):
        if isinstance(job, SurveyJob):
            job.stop()
        job = st.session_state[_SURVEY] = SurveyJob(folder, bundle).start()
    return job


@st.fragment(run_every=_REFRESH_S)
def _watch(survey: SurveyJob) -> None:
    if not survey.running:
        st.rerun()
    _show(survey)


def _show(survey: SurveyJob) -> None:
    now, found = strings(), survey.survey
    if survey.error is not None:
        index_report.outcome(survey.error)
        return
    if found is None:
        index_report.outcome(now.counting.format(count=f"{survey.count:,}"))
        return
    if not found.photos:
        index_report.outcome(now.no_photos)
    else:
        photos = photo_count(found.photos)
        if found.folders > 1:
            photos = now.in_folders.format(photos=photos, folders=folder_count(found.folders))
        index_report.outcome(" · ".join(filter(None, [photos, _size(found.bytes), _duration(survey)])))
    if number := count_left_out(found.left_out, found.unread):
        with st.expander(f"{now.left_out} ({number:,})"):
            index_report.render_left_out(found.left_out, found.unread)


def _duration(survey: SurveyJob) -> str:
    now, seconds = strings(), survey.seconds
    if seconds is None:
        return now.measuring if survey.running else ""
    if seconds < 90:
        return now.takes_seconds.format(count=max(1, round(seconds)))
    minutes = round(seconds / 60)
    return (
        now.takes_minutes.format(count=minutes) if minutes < 90 else now.takes_hours.format(count=round(seconds / 3600))
    )


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.1f} MB"


def _start(folder: str, bundle: str, survey: SurveyJob) -> None:
    survey.stop()
    index_report.start_indexing(folder, bundle)


def _open_demo() -> None:
    """Copy the drawn scenes into the user's cache, and index them."""
    if is_shared():
        return
    folder = demo_photos()
    folder_browser.choose_folder(folder)
    index_report.start_indexing(str(folder), DEMO)
