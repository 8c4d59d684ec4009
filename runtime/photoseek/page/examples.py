"""Example queries that the photos of a gallery surely match, computed in the background."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

import streamlit as st

from photoseek.bundle.bundle import Bundle
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.strings import strings
from photoseek.search.example_queries import find_examples
from photoseek.search.searcher import Searcher

_log = logging.getLogger(__name__)

_MAX_EXAMPLES = 4
_MAX_JOBS = 32
_REFRESH_S = 0.6


@dataclass
class _Job:
    """The examples of one snapshot in one language; None until they are found."""

    found: list[str] | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    def run(self, searcher: Searcher, language: str) -> None:
        """Find the examples; an error is logged, because the page works without them."""
        try:
            self.found = find_examples(searcher, language, _MAX_EXAMPLES)
        except Exception:
            _log.warning("cannot find examples of queries", exc_info=True)
            self.found = []


def render_examples(opened: OpenGallery) -> None:
    """Draw a button for each example, in the page's language if the bundle supports it, else in English.

    They appear when they are found; the rest of the page does not wait.
    """
    searcher = opened.searcher
    if not is_calibrated(searcher.bundle):
        return
    code = strings().code
    snapshot = searcher.snapshot
    key = (str(snapshot.path), snapshot.manifest.gallery, snapshot.manifest.state)
    job = _job(*key, code if code in searcher.bundle.languages else "en", searcher)
    if job.found is None:
        with st.container(key="ps-examples-place"):  # as high as the examples, so that the photos stay where they are
            _wait(job)
    elif job.found:
        with st.container(horizontal=True, key="ps-examples", vertical_alignment="center", gap="xsmall"):
            st.html(f'<p class="ps-hint">{strings().examples}</p>', width="content")
            for example in job.found:
                st.button(example, on_click=_set_text, args=(example,), key=f"example-{example}")


def is_calibrated(bundle: Bundle) -> bool:
    """Return whether a bundle has calibrated confidence in any language, without which no example is sure."""
    towers = (bundle.manifest.precisions, *(each.precisions for each in bundle.manifest.text_towers.values()))
    return any(facts.get("confidence") for precisions in towers for facts in precisions.values())


@st.fragment(run_every=_REFRESH_S)
def _wait(job: _Job) -> None:
    """Run the page again when the examples are found, unless there are none."""
    if job.found:
        st.rerun()


@st.cache_resource(max_entries=_MAX_JOBS, show_spinner=False)
def _job(path: str, gallery: str, state: str, language: str, _searcher: Searcher) -> _Job:
    del path, gallery, state
    job = _Job()
    job.thread = threading.Thread(target=job.run, args=(_searcher, language), name="photoseek-examples", daemon=True)
    job.thread.start()
    return job


def _set_text(text: str) -> None:
    st.session_state["q"] = text
