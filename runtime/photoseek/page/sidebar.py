"""The sidebar: which gallery, bringing it up to date, and what is in it.

The galleries that were opened last, noted in the user's cache folder.
"""

from __future__ import annotations

import json
import logging
from html import escape
from pathlib import Path

import streamlit as st

from photoseek.gallery.location import find_gallery
from photoseek.gallery.status import GalleryStatus
from photoseek.page.exposure import is_shared, operators_gallery, public
from photoseek.page.open_galleries import GalleryState
from photoseek.page.strings import strings
from photoseek.system.atomic_write import make_private_folder, write_json_atomic
from photoseek.system.cache_dir import cache_folder
from photoseek.system.user_paths import absolute

_LISTED = 200  # unreadable photos that are named


def choose_gallery() -> str:
    """Draw the field for the gallery's folder, with recent ones, and return it; empty where none is named.

    Where the page is shared, there is no field: whatever a visitor sends, it is the operator's gallery.
    """
    if is_shared():
        return operators_gallery()
    now = strings()
    st.session_state.setdefault("gallery", operators_gallery())
    with st.sidebar:
        folder = str(st.text_input(now.gallery, key="gallery", placeholder="/home/you/Photos")).strip()
        others = [other for other in recent_galleries() if other != str(absolute(folder))]
        if others:
            st.selectbox(
                now.recent,
                others,
                index=None,
                key="recent",
                placeholder=now.recent,
                format_func=_short,
                on_change=_switch,
                label_visibility="collapsed",
            )
    return folder


def tell(state: GalleryState) -> None:
    """Draw what is in the gallery."""
    with st.sidebar:
        facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(state.status))
        st.html(f'<dl class="ps-facts">{facts}</dl>')
        if not state.status.fresh and state.status.generation is not None:
            st.html(f'<p class="ps-hint">{strings().outdated}</p>')
        if state.unreadable:
            _list_unreadable(state.unreadable)


def _switch() -> None:
    if st.session_state["recent"] is not None:
        st.session_state["gallery"] = st.session_state["recent"]
        st.session_state["recent"] = None
        st.session_state["similar_to"] = st.session_state["opened"] = None


def _short(folder: str) -> str:
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


def _list_unreadable(photos: list[tuple[str, str]]) -> None:
    now = strings()
    with st.expander(f"{now.unreadable_photos} ({len(photos):,})"):
        named = photos[:_LISTED]
        rows = (f"<li><bdi>{escape(path)}</bdi><small>{escape(public(reason))}</small></li>" for path, reason in named)
        rest = now.and_more.format(count=f"{len(photos) - _LISTED:,}")
        more = f'<p class="ps-hint">{rest}</p>' if len(photos) > _LISTED else ""
        st.html(f'<ul class="ps-unreadable">{"".join(rows)}</ul>{more}')


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


_log = logging.getLogger(__name__)

_NOTED = 12
_VERSION = 1


def recent_galleries() -> list[str]:
    """Folders that galleries were opened by, the last first; those that still exist."""
    return [folder for folder in _noted() if find_gallery(Path(folder)) is not None]


def remember(folder: str) -> None:
    """Note that a gallery has been opened; where that cannot be written, nothing is noted."""
    folder = str(absolute(folder))
    before = _noted()
    if before[:1] == [folder]:
        return
    folders = [folder, *(other for other in before if other != folder)][:_NOTED]
    try:
        make_private_folder(_file().parent)
        write_json_atomic(_file(), {"format": _VERSION, "galleries": folders})
    except (OSError, UnicodeEncodeError) as error:
        _log.info("recent galleries are not noted: %s", error)


def _file() -> Path:
    return cache_folder() / "recent.json"


def _noted() -> list[str]:
    try:
        folders = json.loads(_file().read_text("utf-8"))["galleries"]
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or not ours
        return []
    return [folder for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []
