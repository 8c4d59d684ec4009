"""The sidebar: gallery folder, recent galleries and status. Recent galleries are stored in the user's cache folder."""

from __future__ import annotations

import json
import logging
from html import escape
from pathlib import Path

import streamlit as st

from photoseek.gallery.location import find_gallery, known_folder
from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared, operators_gallery
from photoseek.page.folder_browser import render_browse_button, render_dialog
from photoseek.page.index_report import render_unreadable
from photoseek.page.messages import hint
from photoseek.page.open_galleries import GalleryState
from photoseek.page.strings import strings
from photoseek.system.atomic_write import make_private_folder, write_json_atomic
from photoseek.system.cache_dir import cache_folder
from photoseek.system.filenames import decode_filename, encode_filename
from photoseek.system.user_paths import absolute

_log = logging.getLogger(__name__)

_MAX_RECENT = 12
_VERSION = 1


def choose_gallery() -> str:
    """Draw the field for the gallery's folder, with recent ones, and return the folder, which may be empty.

    If the page is shared, there is no field, and the folder is always the operator's.
    """
    if is_shared():
        return operators_gallery()
    now = strings()
    first = decode_filename(_known(operators_gallery()))
    known = str(st.session_state.setdefault("gallery", first))  # see components.field_options
    render_dialog()
    with st.sidebar:
        typed = str(st.text_input(now.gallery, known, key="gallery", placeholder="/home/you/Photos"))
        folder = encode_filename(typed.strip())
        render_browse_button(now.browse, "browse", "stretch")
        others = [other for other in recent_galleries() if other != _known(folder)]
        if others:
            st.selectbox(
                now.recent,
                others,
                index=None,
                key="recent",
                placeholder=now.recent,
                format_func=_name_and_parent,
                on_change=_open_recent,
                label_visibility="collapsed",
            )
    return folder


def _known(folder: str) -> str:
    """Return the absolute path under which a person knows a gallery: that of its photos, if it is inside them."""
    return str(known_folder(absolute(folder))) if folder else ""


def render_status(folder: str, state: GalleryState, bundle: str) -> None:
    """Draw the statistics and the unreadable photos of the gallery."""
    with st.sidebar:
        st.html(
            f'<details class="ps-details"><summary>{escape(strings().details)}</summary>'
            f'<dl class="ps-facts">{_list(_facts(state.status))}</dl></details>'
        )
        if not state.status.fresh and state.status.generation is not None:
            hint(strings().outdated)
        if state.unreadable:
            with st.expander(f"{strings().unreadable_photos} ({len(state.unreadable):,})"):
                render_unreadable(folder, bundle, state.unreadable, "sidebar")


def _list(facts: list[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def _open_recent() -> None:
    if st.session_state["recent"] is not None:
        st.session_state["gallery"] = st.session_state["recent"]
        st.session_state["recent"] = None
        st.session_state["similar_to"] = None


def _name_and_parent(folder: str) -> str:
    path = Path(folder)
    return f"{path.name}  ({path.parent})"


def _facts(status: GalleryStatus) -> list[tuple[str, str]]:
    now = strings()
    return [
        (now.photos, f"{status.photos:,}"),
        (now.searchable, f"{status.searchable:,}"),
        (now.unreadable, f"{status.unreadable:,}"),
        (now.caption_count, f"{status.captions:,}"),
        (now.recall, now.not_measured if status.recall is None else f"{100 * status.recall:.1f} %"),
        (now.bytes, _size(status.bytes)),
        (now.bundle, status.bundle),
        *([] if is_shared() else [(now.photo_folder, status.photos_root)]),
    ]


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def recent_galleries() -> list[str]:
    """Return the folders of recently opened galleries that still exist, the latest first."""
    existing = (Path(folder) for folder in _read_recent() if find_gallery(Path(folder)) is not None)
    return list(dict.fromkeys(str(known_folder(folder)) for folder in existing))


def remember(folder: str) -> None:
    """Add an opened gallery to the recent ones, unless the cache folder is read-only."""
    folder = _known(folder)
    before = _read_recent()
    if before[:1] == [folder]:
        return
    folders = [folder, *(other for other in before if other != folder)][:_MAX_RECENT]
    try:
        make_private_folder(_file().parent)
        write_json_atomic(_file(), {"format": _VERSION, "galleries": folders})
    except (OSError, UnicodeEncodeError) as error:
        _log.info("cannot store recent galleries: %s", error)


def _file() -> Path:
    return cache_folder() / "recent.json"


def _read_recent() -> list[str]:
    try:
        folders = json.loads(_file().read_text("utf-8"))["galleries"]
    except (OSError, ValueError, KeyError, TypeError):  # no file yet, or not in this format
        return []
    return [folder for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []
