"""Captions from a file of the visitor, added to the gallery; for visitors on this computer only."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import streamlit as st

from photoseek.captions import Caption, read_captions
from photoseek.errors import CaptionFileError, PhotoseekError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.indexing.report import Progress
from photoseek.page import messages
from photoseek.page.exposure import is_shared
from photoseek.page.strings import strings
from photoseek.system.removal import draft_folder

_SUFFIXES = ("token", "txt", "tsv", "csv", "json", "jsonl")
_FILES = re.compile(rf"captions(\.({'|'.join(_SUFFIXES)}))?", re.IGNORECASE)  # names of the copy
_PENDING = "captions-to-add"  # in the session: captions that were read and are not all encoded
_OUTCOME = "captions-outcome"  # in the session: what happened to the last file
_TURN = "captions-turn"  # in the session: the number of files so far, so that the field is empty again


def render_caption_form(gallery: Gallery, captions: int) -> None:
    """Draw a field for a caption file, if the gallery may be written, and encode the captions of a chosen one."""
    if is_shared() or not os.access(gallery.path, os.W_OK):
        return
    now, turn = strings(), st.session_state.setdefault(_TURN, 0)
    pending = st.session_state.get(_PENDING)
    with st.expander(now.more_captions if captions else now.own_captions, expanded=pending is not None):
        messages.hint(now.captions_hint)
        field = f"captions-field-{turn}"
        st.file_uploader(
            now.captions_file,
            _SUFFIXES,
            key=field,
            on_change=_read,
            args=(field,),
            label_visibility="collapsed",
            disabled=pending is not None,
        )
        if pending is not None:
            _add(gallery, pending)
    if outcome := st.session_state.get(_OUTCOME):
        messages.hint(outcome)


def _read(field: str) -> None:
    """Read a chosen file; its captions are added when the page is drawn."""
    upload = st.session_state.get(field)
    if upload is None or is_shared():
        return
    st.session_state[_TURN] += 1
    with draft_folder(Path(tempfile.gettempdir()), _FILES) as folder:
        file = folder / f"captions{Path(upload.name).suffix}"
        file.write_bytes(upload.getvalue())
        try:
            st.session_state.update({_PENDING: read_captions(file), _OUTCOME: None})
        except CaptionFileError as error:
            reason = str(error).replace(str(file), upload.name)
            st.session_state[_OUTCOME] = strings().captions_refused.format(reason=reason)


def _add(gallery: Gallery, captions: list[Caption]) -> None:
    """Encode captions with a progress bar; if the visitor does something else meanwhile, the next run resumes."""
    now, bar = strings(), st.progress(0.0, strings().adding_captions)

    def show(step: Progress) -> None:
        bar.progress(step.done / step.total, now.adding_captions)

    try:
        with Gallery.open(gallery.path, recover=True) as opened:
            added = opened.add_captions(captions, progress=show)
        outcome = now.captions_added.format(count=f"{added:,}", read=f"{len(captions):,}")
    except (PhotoseekError, OSError) as error:
        outcome = now.captions_refused.format(reason=str(error))
    st.session_state.update({_PENDING: None, _OUTCOME: outcome})
    st.rerun()
